import type { ImportColumn, ImportField, ImportJob } from "@/api/types";

/** Column name → field name, or an empty text for columns that are left out. */
export type MappingForm = Readonly<Record<string, string>>;

/** What was mapped before, else what the server guessed. */
export function initialMapping(job: ImportJob): MappingForm {
  const isMapped = Object.keys(job.mapping).length > 0;
  return Object.fromEntries(
    job.columns.map((column) => [
      column.name,
      (isMapped ? job.mapping[column.name] : column.guessed_field) ?? "",
    ]),
  );
}

/** Fields that two columns claim; a record can take its value from one column only. */
export function duplicateFields(mapping: MappingForm): Set<string> {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const field of Object.values(mapping)) {
    if (field && seen.has(field)) twice.add(field);
    seen.add(field);
  }
  return twice;
}

/** Required fields that no column gives. */
export function missingFields(mapping: MappingForm, fields: readonly ImportField[]): ImportField[] {
  const used = new Set(Object.values(mapping));
  return fields.filter((field) => field.is_required && !used.has(field.name));
}

export type Certainty = "sure" | "likely" | "unsure";

/** How far to trust a guess; a choice made by hand is nobody's guess. */
export function certaintyOf(column: ImportColumn, chosen: string): Certainty | null {
  if (!chosen || chosen !== column.guessed_field) return null;
  if (column.confidence >= 0.9) return "sure";
  return column.confidence >= 0.6 ? "likely" : "unsure";
}
