"use client";

import { usePathname, useSearchParams } from "next/navigation";
import { useCallback, useMemo } from "react";
import { DOCUMENT_KINDS, VERSION_STATES, type DocumentFilters } from "@/api/documents";

export const NO_FILTERS: DocumentFilters = { q: "", kind: null, state: null };

/** Filters live in the address, so that a filtered list can be sent to a colleague. */
export function useDocumentFilters() {
  const parameters = useSearchParams();
  const pathname = usePathname();
  const filters = useMemo<DocumentFilters>(
    () => ({
      q: parameters.get("q") ?? "",
      kind: DOCUMENT_KINDS.find((one) => one === parameters.get("kind")) ?? null,
      state: VERSION_STATES.find((one) => one === parameters.get("state")) ?? null,
    }),
    [parameters],
  );
  const change = useCallback(
    (next: Partial<DocumentFilters>) => {
      const changed = new URLSearchParams(parameters);
      for (const [name, value] of Object.entries({ ...filters, ...next }))
        if (value) changed.set(name, value);
        else changed.delete(name);
      const rest = changed.toString();
      // Typing must not fill the browser's history.
      history.replaceState(null, "", pathname + (rest && `?${rest}`));
    },
    [filters, parameters, pathname],
  );
  return { filters, change };
}
