import type { Locale } from "@/i18n/locales";
import { isDay } from "@/time/days";
import { shortDay } from "@/time/format";
import type { ChangeOrder } from "@/api/types";

type Change = ChangeOrder["changes"][number];

/** What matters most about an order comes first; a new manager alone says less than a new unit. */
const TELLING = ["org_unit", "position", "left_on", "name", "parent", "head", "grade", "manager"];

/** The gist of an order in one line, beside its kind and its person: "第一営業課 → 大阪営業課". */
export function orderText(order: ChangeOrder, locale: Locale): string {
  const telling = TELLING.flatMap((field) => order.changes.filter((change) => change.field === field));
  // Beside the person's own name, "name: 高橋 拓也" would say it twice.
  const first = telling.find((change) => !(order.person && change.field === "name")) ?? order.changes[0];
  return first ? changeText(first, locale) : order.summary;
}

function changeText({ before, after }: Change, locale: Locale): string {
  const [from, to] = [valueText(before, locale), valueText(after, locale)];
  return from ? `${from} → ${to || "—"}` : to;
}

/** Days as people write them; everything else as the API says it. */
export function valueText(value: string | null, locale: Locale): string {
  return isDay(value) ? shortDay(value, locale) : (value ?? "");
}
