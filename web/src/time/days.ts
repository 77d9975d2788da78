/** Calendar days as the API speaks them: "YYYY-MM-DD" without a clock or a time zone. */
export type Day = string;

const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;

/** True for a day that exists; "2023-02-29" does not. */
export function isDay(text: string | null | undefined): text is Day {
  const parts = text ? DAY.exec(text) : null;
  if (!parts) return false;
  const moment = utc(text as Day);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(text as string);
}

/** Midnight UTC of the day: only for arithmetic and formatting in UTC, never shown with a clock. */
export function utc(day: Day): Date {
  return new Date(`${day}T00:00:00Z`);
}

function dayOf(moment: Date): Day {
  return moment.toISOString().slice(0, 10);
}

export function addDays(day: Day, days: number): Day {
  const moment = utc(day);
  moment.setUTCDate(moment.getUTCDate() + days);
  return dayOf(moment);
}

/** The same day of another month; the last day of that month when it is shorter. */
export function addMonths(day: Day, months: number): Day {
  const moment = utc(day);
  const wanted = moment.getUTCDate();
  moment.setUTCDate(1);
  moment.setUTCMonth(moment.getUTCMonth() + months + 1, 0);
  moment.setUTCDate(Math.min(wanted, moment.getUTCDate()));
  return dayOf(moment);
}

export function firstOfMonth(day: Day): Day {
  return `${day.slice(0, 7)}-01`;
}

/** The first day of the Japanese fiscal year (1 April) that holds `day`. */
export function fiscalYearStart(day: Day): Day {
  const year = Number(day.slice(0, 4)) - (day.slice(5) < "04-01" ? 1 : 0);
  return `${year}-04-01`;
}

export function daysBetween(from: Day, to: Day): number {
  return Math.round((utc(to).getTime() - utc(from).getTime()) / 86_400_000);
}
