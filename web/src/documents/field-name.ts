const FIELDS = [
  "name",
  "name_kana",
  "birth_on",
  "email",
  "phone",
  "postal_code",
  "address",
  "education",
  "job",
  "qualification",
] as const;

/** The key under `documents.field` that names a proposed field; what is not known here is "other". */
export function fieldNameKey(field: string): (typeof FIELDS)[number] | "other" {
  return FIELDS.find((one) => one === field) ?? "other";
}
