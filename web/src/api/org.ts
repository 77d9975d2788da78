import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, body } from "./client";
import type { Dates } from "./people";

/** Every unit that exists on the day; a few hundred short rows, so choosing one needs no server. */
export function useOrgUnits(dates: Dates) {
  return useQuery({
    queryKey: ["org", "units", dates],
    queryFn: async ({ signal }) =>
      (await body(api.GET("/api/v1/org-units", { signal, params: { query: dates } }))).items,
    placeholderData: keepPreviousData,
  });
}

export interface ChartScope {
  rootId?: number;
  depth?: number;
  people?: boolean;
}

/** A part of the tree: from the roots, or below `rootId`, `depth` levels down. */
export function useOrgChart(scope: ChartScope, dates: Dates, isEnabled = true) {
  return useQuery({
    queryKey: ["org", "chart", scope, dates],
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/v1/org-chart", {
          signal,
          params: {
            query: {
              ...dates,
              ...(scope.rootId !== undefined && { root_id: scope.rootId }),
              ...(scope.depth !== undefined && { depth: scope.depth }),
              people: scope.people ?? false,
            },
          },
        }),
      ),
    placeholderData: keepPreviousData,
    enabled: isEnabled,
  });
}

export function usePositions() {
  return useQuery({
    queryKey: ["org", "positions"],
    queryFn: async ({ signal }) => (await body(api.GET("/api/v1/positions", { signal }))).items,
    staleTime: 60_000,
  });
}
