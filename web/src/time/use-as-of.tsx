"use client";

import { usePathname, useSearchParams } from "next/navigation";
import { useCallback, useMemo } from "react";
import { useSession } from "@/api/session";
import { asOfQuery, readAsOf, tenseOf, type AsOf, type Tense } from "./as-of";
import type { Day } from "./days";

export interface AsOfView extends AsOf {
  /** The tenant's calendar day, which may differ from the browser's. */
  readonly today: Day;
  /** The day that is shown: `on`, or today. */
  readonly day: Day;
  readonly tense: Tense;
  /** True when everything is shown as of now, as known now. */
  readonly isNow: boolean;
  /** Parameters for the API; stable, so that it can be part of a query key. */
  readonly query: { as_of?: string; as_known?: string };
  readonly set: (next: Partial<AsOf>) => void;
}

/** The dates that the reader looks at, read from the address. */
export function useAsOf(): AsOfView {
  const parameters = useSearchParams();
  const pathname = usePathname();
  const today = useSession().tenant.today;
  const { on, known } = readAsOf(parameters);

  const set = useCallback(
    (next: Partial<AsOf>) => {
      const changed = new URLSearchParams(parameters);
      replace(changed, "as_of", next.on === undefined ? on : next.on === today ? null : next.on);
      replace(changed, "as_known", next.known === undefined ? known : next.known);
      const rest = changed.toString();
      // A new history entry: "back" returns to the date before.
      history.pushState(null, "", pathname + (rest && `?${rest}`));
    },
    [parameters, pathname, on, known, today],
  );

  return useMemo(() => {
    const asOf: AsOf = { on: on === today ? null : on, known };
    return {
      ...asOf,
      today,
      day: on ?? today,
      tense: tenseOf(asOf, today),
      isNow: !asOf.on && !known,
      query: asOfQuery(asOf),
      set,
    };
  }, [on, known, today, set]);
}

function replace(parameters: URLSearchParams, name: string, value: string | null) {
  if (value) parameters.set(name, value);
  else parameters.delete(name);
}
