import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  queryOptions,
} from "@tanstack/react-query";
import { api, body } from "./client";
import type {
  ChangeOrder,
  ConcurrentPostRequest,
  CorrectionRequest,
  DepartureRequest,
  HireRequest,
  NamesRequest,
  PeopleQuery,
  PrivateRequest,
  RehireRequest,
  TransferPreview,
  TransferRequest,
} from "./types";

/** The two dates, as the API takes them. */
export interface Dates {
  as_of?: string;
  as_known?: string;
}

export type PeopleFilters = Pick<PeopleQuery, "q" | "org_unit_id" | "status" | "sort">;

export const PAGE_SIZE = 50;

/** The directory, page after page; the last result stays on screen while the next search is under way. */
export function usePeople(filters: PeopleFilters, dates: Dates) {
  return useInfiniteQuery({
    queryKey: ["people", "list", filters, dates],
    queryFn: ({ signal, pageParam }) =>
      body(
        api.GET("/api/v1/people", {
          signal,
          params: {
            query: { ...filters, ...dates, limit: PAGE_SIZE, ...(pageParam && { cursor: pageParam }) },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
}

/** A handful of people for a search box. */
export function usePeopleSearch(q: string, dates: Dates, isEnabled: boolean) {
  return useQuery({
    queryKey: ["people", "search", q, dates],
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/v1/people", { signal, params: { query: { ...(q && { q }), ...dates, limit: 12 } } }),
      ),
    placeholderData: keepPreviousData,
    enabled: isEnabled,
  });
}

export function personQuery(id: number, dates: Dates) {
  return queryOptions({
    queryKey: ["person", id, "detail", dates],
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/v1/people/{person_id}", { signal, params: { path: { person_id: id }, query: dates } }),
      ),
  });
}

export function usePerson(id: number, dates: Dates) {
  return useQuery({
    ...personQuery(id, dates),
    placeholderData: (previous) => (previous?.id === id ? previous : undefined),
  });
}

/** Every assignment and every spell of employment, as known at `asKnown`. */
export function useHistory(id: number, asKnown: string | undefined) {
  return useQuery({
    queryKey: ["person", id, "history", asKnown ?? null],
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/v1/people/{person_id}/history", {
          signal,
          params: { path: { person_id: id }, query: asKnown ? { as_known: asKnown } : {} },
        }),
      ),
  });
}

/** A change to people; afterwards everything that shows people is stale. */
function usePeopleChange<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    onSuccess: async () => {
      const stale = ["people", "person", "org", "orders", "home"];
      await Promise.all(stale.map((key) => client.invalidateQueries({ queryKey: [key] })));
    },
  });
}

export function useHire() {
  return usePeopleChange((hire: HireRequest) => body(api.POST("/api/v1/people", { body: hire })));
}

export function useRehire(id: number) {
  return usePeopleChange((rehire: RehireRequest) =>
    body(
      api.POST("/api/v1/people/{person_id}/rehires", { params: { path: { person_id: id } }, body: rehire }),
    ),
  );
}

/** Before and after of a transfer; nothing is stored. */
export function useTransferPreview(id: number) {
  return useMutation({
    mutationFn: async (transfer: TransferRequest) =>
      (await body(
        api.POST("/api/v1/people/{person_id}/transfers", {
          params: { path: { person_id: id }, query: { dry_run: true } },
          body: transfer,
        }),
      )) as TransferPreview,
  });
}

export function useTransfer(id: number) {
  return usePeopleChange(
    async (transfer: TransferRequest) =>
      (await body(
        api.POST("/api/v1/people/{person_id}/transfers", {
          params: { path: { person_id: id } },
          body: transfer,
        }),
      )) as ChangeOrder,
  );
}

export function useConcurrentPost(id: number) {
  return usePeopleChange((post: ConcurrentPostRequest) =>
    body(
      api.POST("/api/v1/people/{person_id}/concurrent-posts", {
        params: { path: { person_id: id } },
        body: post,
      }),
    ),
  );
}

export function useDeparture(id: number) {
  return usePeopleChange((departure: DepartureRequest) =>
    body(
      api.POST("/api/v1/people/{person_id}/departures", {
        params: { path: { person_id: id } },
        body: departure,
      }),
    ),
  );
}

export function useCorrection(id: number) {
  return usePeopleChange((correction: CorrectionRequest) =>
    body(
      api.POST("/api/v1/people/{person_id}/corrections", {
        params: { path: { person_id: id } },
        body: correction,
      }),
    ),
  );
}

export function useChangeNames(id: number) {
  return usePeopleChange((names: NamesRequest) =>
    body(api.PUT("/api/v1/people/{person_id}/names", { params: { path: { person_id: id } }, body: names })),
  );
}

export function useChangePrivate(id: number) {
  return usePeopleChange((facts: PrivateRequest) =>
    body(api.PUT("/api/v1/people/{person_id}/private", { params: { path: { person_id: id } }, body: facts })),
  );
}
