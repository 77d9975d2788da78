import type { Assignment, Employment } from "@/api/types";
import { addDays, addMonths, daysBetween, type Day } from "@/time/days";
import type { Tense } from "@/time/as-of";

/** One assignment as a bar; positions are shares (0 to 1) of the span shown. */
export interface Bar {
  readonly assignment: Assignment;
  readonly from: number;
  readonly to: number;
  readonly tense: Tense;
  /** Ends later than the span shows. */
  readonly isOpen: boolean;
}

export interface Timeline {
  readonly start: Day;
  readonly end: Day;
  /** The primary posts, then one lane for each set of second posts that do not overlap. */
  readonly lanes: readonly (readonly Bar[])[];
  readonly years: readonly { readonly year: number; readonly at: number }[];
  readonly today: number;
  readonly shown: number;
}

/** The last day of an assignment; the API tells the first day after it. */
export function lastDay(assignment: Assignment): Day | null {
  return assignment.valid_to ? addDays(assignment.valid_to, -1) : null;
}

export function tenseOfAssignment(assignment: Assignment, day: Day): Tense {
  if (assignment.valid_from > day) return "future";
  return assignment.valid_to && assignment.valid_to <= day ? "past" : "today";
}

/** Lays assignments out from the first hire to a while after today, or after the last planned change. */
export function layOut(
  assignments: readonly Assignment[],
  employments: readonly Employment[],
  { today, day }: { today: Day; day: Day },
): Timeline | null {
  if (!assignments.length) return null;
  const first =
    [...assignments.map((one) => one.valid_from), ...employments.map((one) => one.hired_on), day].sort()[0] ??
    today;
  const known = assignments.flatMap((one) => [one.valid_from, one.valid_to ?? one.valid_from]);
  const latest = [...known, today, day].sort().at(-1) ?? today;
  const start = `${first.slice(0, 4)}-01-01`;
  const end = addMonths(latest, Math.max(3, Math.round(daysBetween(start, latest) / 30 / 14)));
  const share = (on: Day) => Math.min(1, Math.max(0, daysBetween(start, on) / daysBetween(start, end)));
  const bars = [...assignments]
    .sort((a, b) => a.valid_from.localeCompare(b.valid_from))
    .map<Bar>((assignment) => ({
      assignment,
      from: share(assignment.valid_from),
      to: assignment.valid_to ? share(assignment.valid_to) : 1,
      tense: tenseOfAssignment(assignment, day),
      isOpen: !assignment.valid_to,
    }));
  const primary = bars.filter((bar) => bar.assignment.kind === "primary");
  return {
    start,
    end,
    lanes: [
      ...(primary.length ? [primary] : []),
      ...packLanes(bars.filter((bar) => bar.assignment.kind !== "primary")),
    ],
    years: yearMarks(start, end, share),
    today: share(today),
    shown: share(day),
  };
}

/** Puts each bar into the first lane whose last bar has ended. */
function packLanes(bars: readonly Bar[]): Bar[][] {
  const lanes: Bar[][] = [];
  for (const bar of bars) {
    const lane = lanes.find((one) => (one.at(-1)?.to ?? 0) <= bar.from);
    if (lane) lane.push(bar);
    else lanes.push([bar]);
  }
  return lanes;
}

const MOST_MARKS = 9;

/** New Year's days, thinned out to every 2nd, 5th or 10th year so that labels do not touch. */
function yearMarks(start: Day, end: Day, share: (on: Day) => number) {
  const first = Number(start.slice(0, 4));
  const last = Number(end.slice(0, 4));
  const step = [1, 2, 5, 10, 20].find((years) => (last - first) / years < MOST_MARKS) ?? 50;
  const marks: { year: number; at: number }[] = [];
  for (let year = first; year <= last; year += 1) {
    if ((year - first) % step === 0) marks.push({ year, at: share(`${year}-01-01`) });
  }
  return marks;
}
