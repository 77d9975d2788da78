import type { OrgUnit } from "@/api/types";
import type { Option } from "@/ui/combobox";

/** Units as choices, each with the path above it, in the order of the tree. */
export function unitOptions(units: readonly OrgUnit[]): Option[] {
  const byId = new Map(units.map((unit) => [unit.id, unit]));
  const children = new Map<number | null, OrgUnit[]>();
  for (const unit of units) {
    // A unit whose parent the reader may not see stands at the top of what they see.
    const parent = unit.parent_id !== null && byId.has(unit.parent_id) ? unit.parent_id : null;
    const siblings = children.get(parent);
    if (siblings) siblings.push(unit);
    else children.set(parent, [unit]);
  }
  const options: Option[] = [];
  const visit = (parent: number | null, path: readonly string[]) => {
    for (const unit of children.get(parent) ?? []) {
      options.push({ id: unit.id, label: unit.name, detail: path.join(" › ") || unit.code });
      visit(unit.id, [...path, unit.name]);
    }
  };
  visit(null, []);
  return options;
}

/** Choices whose name or path holds every word of `query`; kana and width differences do not matter. */
export function matchOptions(options: readonly Option[], query: string): Option[] {
  const words = fold(query).split(/\s+/u).filter(Boolean);
  if (!words.length) return [...options];
  return options.filter((option) => {
    const text = fold(`${option.detail ?? ""} ${option.label}`);
    return words.every((word) => text.includes(word));
  });
}

function fold(text: string): string {
  const plain = text.normalize("NFKC").toLowerCase();
  return plain.replace(/[ァ-ヶ]/gu, (kana) => String.fromCharCode(kana.charCodeAt(0) - 0x60));
}
