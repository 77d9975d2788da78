import type { Assignment } from "@/api/types";
import type { Option } from "@/ui/combobox";

/** Where somebody works, as a form holds it. `share` is the working share in per cent, as text. */
export interface PostForm {
  readonly unit: Option | null;
  readonly positionId: number | null;
  readonly manager: Option | null;
  readonly grade: string;
  readonly share: string;
}

export const EMPTY_POST: PostForm = { unit: null, positionId: null, manager: null, grade: "", share: "100" };

export function postOf(assignment: Assignment | undefined): PostForm {
  if (!assignment) return EMPTY_POST;
  return {
    unit: { id: assignment.org_unit.id, label: assignment.org_unit.name },
    positionId: assignment.position?.id ?? null,
    manager: assignment.manager ? { id: assignment.manager.id, label: assignment.manager.name } : null,
    grade: assignment.grade ?? "",
    share: String(Math.round(Number(assignment.fte ?? 1) * 1000) / 10),
  };
}

/** The working share from 0 to 1; null when the text is no per cent between 0 and 100. */
export function fteOf(share: string): number | null {
  const percent = Number(share.normalize("NFKC").trim() || Number.NaN);
  return percent >= 0 && percent <= 100 ? Math.round(percent * 10) / 1000 : null;
}

/** All of a post, for a new assignment. The form has made sure that there is a unit and a share. */
export function wholePost(form: PostForm) {
  return {
    org_unit_id: form.unit?.id ?? 0,
    position_id: form.positionId,
    manager_id: form.manager?.id ?? null,
    grade: form.grade.trim() || null,
    fte: fteOf(form.share) ?? 1,
  };
}

type Whole = ReturnType<typeof wholePost>;

/** Only what differs: what is not sent stays as it is on the day itself, which may not be the day shown. */
export function changedPost(before: PostForm, after: PostForm): Partial<Whole> {
  const [from, to] = [wholePost(before), wholePost(after)];
  return Object.fromEntries(
    Object.entries(to).filter(([name, value]) => from[name as keyof Whole] !== value),
  ) as Partial<Whole>;
}

export function isPostChanged(before: PostForm, after: PostForm): boolean {
  return Object.keys(changedPost(before, after)).length > 0;
}
