import { keepPreviousData, useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "./client";
import type { ChangeOrder } from "./types";

export type OrderState = ChangeOrder["state"];

export function useOrders(filter: { state?: OrderState; person_id?: number }) {
  return useInfiniteQuery({
    queryKey: ["orders", filter],
    queryFn: ({ signal, pageParam }) =>
      body(
        api.GET("/api/v1/change-orders", {
          signal,
          params: { query: { ...filter, ...(pageParam && { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
}

export type Verdict = "approve" | "reject" | "cancel";

/** Decides about an order; `note` says why. */
export function useDecide() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, verdict, note }: { id: number; verdict: Verdict; note: string }) => {
      const request = { params: { path: { order_id: id } }, body: { note } };
      switch (verdict) {
        case "approve":
          return body(api.POST("/api/v1/change-orders/{order_id}/approve", request));
        case "reject":
          return body(api.POST("/api/v1/change-orders/{order_id}/reject", request));
        case "cancel":
          return body(api.POST("/api/v1/change-orders/{order_id}/cancel", request));
      }
    },
    onSuccess: async () => {
      const stale = ["orders", "people", "person", "org", "home"];
      await Promise.all(stale.map((key) => client.invalidateQueries({ queryKey: [key] })));
    },
  });
}
