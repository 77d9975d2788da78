import { isDay, type Day } from "./days";

/**
 * The two dates of every view. `on`: the day whose facts are shown, null for the tenant's today.
 * `known`: what had been recorded by that moment, null for everything known now. They live in the address
 * (?as_of=…&as_known=…), so a link, a reload and the back button all show the same thing.
 */
export interface AsOf {
  readonly on: Day | null;
  readonly known: string | null;
}

export type Tense = "past" | "today" | "future";

export const NOW: AsOf = { on: null, known: null };

const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;

/** Reads the address; anything that is no date is ignored rather than shown as an error. */
export function readAsOf(parameters: { get(name: string): string | null }): AsOf {
  const on = parameters.get("as_of");
  const known = parameters.get("as_known");
  return {
    on: isDay(on) ? on : null,
    known: known && MOMENT.test(known) && !Number.isNaN(Date.parse(known)) ? known : null,
  };
}

export function tenseOf(asOf: AsOf, today: Day): Tense {
  if (!asOf.on || asOf.on === today) return "today";
  return asOf.on < today ? "past" : "future";
}

/** Query parameters for the API; absent when the view is about now. */
export function asOfQuery(asOf: AsOf): { as_of?: string; as_known?: string } {
  return { ...(asOf.on && { as_of: asOf.on }), ...(asOf.known && { as_known: asOf.known }) };
}

/** The same address with the dates carried over; other parameters and the fragment stay. */
export function carryAsOf(href: string, asOf: AsOf): string {
  const [path = "", fragment] = href.split("#", 2);
  const [base = "", query = ""] = path.split("?", 2);
  const parameters = new URLSearchParams(query);
  if (asOf.on && !parameters.has("as_of")) parameters.set("as_of", asOf.on);
  if (asOf.known && !parameters.has("as_known")) parameters.set("as_known", asOf.known);
  const rest = parameters.toString();
  return base + (rest && `?${rest}`) + (fragment === undefined ? "" : `#${fragment}`);
}
