"use client";

import { usePathname, useSearchParams } from "next/navigation";
import { useCallback, useMemo } from "react";
import type { PeopleFilters } from "@/api/people";

export const STATUSES = ["active", "future", "left", "all"] as const;
export const SORTS = ["kana", "number", "hired_on"] as const;

export interface DirectoryFilters {
  readonly q: string;
  readonly orgUnitId: number | null;
  readonly status: (typeof STATUSES)[number];
  readonly sort: (typeof SORTS)[number];
}

/** Filters live in the address, so that a filtered list can be sent to a colleague. */
export function useDirectoryFilters() {
  const parameters = useSearchParams();
  const pathname = usePathname();
  const filters = useMemo<DirectoryFilters>(() => {
    const unit = Number(parameters.get("org_unit_id"));
    return {
      q: parameters.get("q") ?? "",
      orgUnitId: Number.isSafeInteger(unit) && unit > 0 ? unit : null,
      status: STATUSES.find((one) => one === parameters.get("status")) ?? "active",
      sort: SORTS.find((one) => one === parameters.get("sort")) ?? "kana",
    };
  }, [parameters]);

  const change = useCallback(
    (next: Partial<DirectoryFilters>) => {
      const wanted = { ...filters, ...next };
      const changed = new URLSearchParams(parameters);
      put(changed, "q", wanted.q);
      put(changed, "org_unit_id", wanted.orgUnitId?.toString() ?? "");
      put(changed, "status", wanted.status === "active" ? "" : wanted.status);
      put(changed, "sort", wanted.sort === "kana" ? "" : wanted.sort);
      const rest = changed.toString();
      // Typing must not fill the browser's history.
      history.replaceState(null, "", pathname + (rest && `?${rest}`));
    },
    [filters, parameters, pathname],
  );

  const query = useMemo<PeopleFilters>(
    () => ({
      ...(filters.q && { q: filters.q }),
      ...(filters.orgUnitId && { org_unit_id: filters.orgUnitId }),
      status: filters.status,
      sort: filters.sort,
    }),
    [filters],
  );
  return { filters, query, change };
}

function put(parameters: URLSearchParams, name: string, value: string) {
  if (value) parameters.set(name, value);
  else parameters.delete(name);
}
