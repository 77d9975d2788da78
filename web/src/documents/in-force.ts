import type { Locale } from "@/i18n/locales";
import type { Day } from "@/time/days";
import { dayRange } from "@/time/format";
import type { Tense } from "@/time/as-of";

interface Days {
  readonly effective_from: Day | null;
  /** The last day on which it holds; null while no end is known. */
  readonly effective_to: Day | null;
}

/** "2024/04/01 〜 2026/03/31"; an empty text for a version without days. */
export function daysText(days: Days, locale: Locale): string {
  if (days.effective_from) return dayRange(days.effective_from, days.effective_to, locale);
  return days.effective_to ? dayRange("", days.effective_to, locale).trimStart() : "";
}

/** Whether a version holds on `today`, did before, or will. */
export function tenseOfDays(days: Days, today: Day): Tense {
  if (days.effective_to && days.effective_to < today) return "past";
  return days.effective_from && days.effective_from > today ? "future" : "today";
}

interface Version extends Days {
  readonly id: number;
  readonly number: number;
  readonly state: string;
}

/** The version in force on `day`; at most one is. */
export function findInForce<V extends Version>(versions: readonly V[], day: Day): V | undefined {
  return versions.find((version) => version.state === "ready" && tenseOfDays(version, day) === "today");
}

/** The next version that takes over from this one, however far ahead; undefined while there is none. */
export function findLater<V extends Version>(versions: readonly V[], version: Version): V | undefined {
  return versions
    .filter(
      (one) =>
        one.state === "ready" &&
        one.id !== version.id &&
        (one.effective_from ?? "") > (version.effective_from ?? ""),
    )
    .sort((one, other) => ((one.effective_from ?? "") < (other.effective_from ?? "") ? -1 : 1))[0];
}
