import type { Locale } from "@/i18n/locales";
import { utc, type Day } from "./days";

/** Era names with their first day; the calendar before Meiji is of no use to an employer. */
const ERAS: readonly (readonly [from: Day, name: string])[] = [
  ["2019-05-01", "令和"],
  ["1989-01-08", "平成"],
  ["1926-12-25", "昭和"],
  ["1912-07-30", "大正"],
  ["1868-01-25", "明治"],
];

/** "平成2年", "令和元年"; an empty text before Meiji. */
export function eraYear(day: Day): string {
  const era = ERAS.find(([from]) => day >= from);
  if (!era) return "";
  const year = Number(day.slice(0, 4)) - Number(era[0].slice(0, 4)) + 1;
  return `${era[1]}${year === 1 ? "元" : year}年`;
}

/** "平成2年4月1日"; an empty text before Meiji. */
export function eraDay(day: Day): string {
  const year = eraYear(day);
  return year && `${year}${Number(day.slice(5, 7))}月${Number(day.slice(8, 10))}日`;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(locale: Locale, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  let found = formatters.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(locale === "ja" ? "ja-JP" : "en-GB", options);
    formatters.set(key, found);
  }
  return found;
}

/** "2026年4月1日" or "1 April 2026". */
export function longDay(day: Day, locale: Locale): string {
  return formatter(locale, { dateStyle: "long", timeZone: "UTC" }).format(utc(day));
}

/** "2026/04/01" or "1 Apr 2026": for tables. */
export function shortDay(day: Day, locale: Locale): string {
  return locale === "ja"
    ? day.replaceAll("-", "/")
    : formatter(locale, { dateStyle: "medium", timeZone: "UTC" }).format(utc(day));
}

/** "2024/04/01 〜 2026/11/30"; open to the right while it lasts. */
export function dayRange(from: Day, to: Day | null | undefined, locale: Locale): string {
  return [from && shortDay(from, locale), locale === "ja" ? "〜" : "–", to ? shortDay(to, locale) : ""]
    .join(" ")
    .trimEnd();
}

/** A moment in the tenant's time zone: "2026/04/01 9:05" or "1 Apr 2026, 09:05". */
export function moment(at: string, locale: Locale, timeZone: string): string {
  return formatter(locale, { dateStyle: "medium", timeStyle: "short", timeZone }).format(new Date(at));
}

export function wholeNumber(value: number, locale: Locale): string {
  return new Intl.NumberFormat(locale).format(value);
}
