import type { Locale } from "@/i18n/locales";
import { isDay } from "@/time/days";
import { shortDay } from "@/time/format";
import type { ChangeOrder } from "@/api/types";

type Change = ChangeOrder["changes"][number];

/** What matters most about an order comes first; a new manager alone says less than a new unit. */
const TELLING = ["org_unit", "position", "left_on", "name", "parent", "head", "grade", "manager"];

/** The gist of an order in one line, beside its day, its kind and its person: "第一営業課 → 大阪営業課". */
export function orderText(order: ChangeOrder, locale: Locale): string {
  const news = order.changes.filter((change) => !isSaidBeside(order, change));
  const telling = TELLING.flatMap((field) => news.filter((change) => change.field === field));
  const first = telling[0] ?? news[0];
  return first ? changeText(first, locale) : (order.reason ?? "");
}

/** "name: 高橋 拓也" beside the person, or the last day beside the same date, would say it twice. */
function isSaidBeside(order: ChangeOrder, { field, after }: Change): boolean {
  return (order.person !== null && field === "name") || (isDay(after) && after === order.effective_on);
}

function changeText({ before, after }: Change, locale: Locale): string {
  const [from, to] = [valueText(before, locale), valueText(after, locale)];
  return from ? `${from} → ${to || "—"}` : to;
}

/** Days as people write them; everything else as the API says it. */
export function valueText(value: string | null, locale: Locale): string {
  return isDay(value) ? shortDay(value, locale) : (value ?? "");
}
