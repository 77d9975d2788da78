import { useQueries, useQuery } from "@tanstack/react-query";
import { addDays, addMonths, firstOfMonth, type Day } from "@/time/days";
import { api, body } from "./client";
import type { PeopleQuery } from "./types";

type Status = NonNullable<PeopleQuery["status"]>;

async function countPeople(
  status: Status,
  day: Day,
  asKnown: string | null,
  signal: AbortSignal,
): Promise<number> {
  const query = { status, as_of: day, limit: 1, ...(asKnown && { as_known: asKnown }) };
  return (await body(api.GET("/api/v1/people", { signal, params: { query } }))).total;
}

function countQuery(status: Status, day: Day, asKnown: string | null) {
  return {
    queryKey: ["home", "count", status, day, asKnown],
    queryFn: ({ signal }: { signal: AbortSignal }) => countPeople(status, day, asKnown, signal),
    staleTime: 5 * 60_000,
  };
}

export function useHeadcount(day: Day, asKnown: string | null) {
  return useQuery(countQuery("active", day, asKnown));
}

/** Who joins and who leaves in the month of `day`: differences between its two ends. */
export function useMonthlyMoves(day: Day, asKnown: string | null) {
  const before = addDays(firstOfMonth(day), -1);
  const end = addDays(addMonths(firstOfMonth(day), 1), -1);
  const [futureBefore, futureAfter, leftBefore, leftAfter] = useQueries({
    queries: [
      countQuery("future", before, asKnown),
      countQuery("future", end, asKnown),
      countQuery("left", before, asKnown),
      countQuery("left", end, asKnown),
    ],
  });
  return {
    before,
    end,
    joiners: difference(futureBefore?.data, futureAfter?.data),
    leavers: difference(leftAfter?.data, leftBefore?.data),
    error: futureBefore?.error ?? futureAfter?.error ?? leftBefore?.error ?? leftAfter?.error ?? null,
  };
}

/** A rehire takes somebody out of "left", so a difference may fall below zero; nobody leaves backwards. */
function difference(larger: number | undefined, smaller: number | undefined): number | null {
  return larger === undefined || smaller === undefined ? null : Math.max(0, larger - smaller);
}

export interface TrendPoint {
  readonly day: Day;
  readonly count: number | undefined;
}

const MONTHS_BACK = 9;
const MONTHS_AHEAD = 3;

/** Headcount on the first of each month round `day`, with what is reserved for the months ahead. */
export function useTrend(day: Day, asKnown: string | null): { points: TrendPoint[]; isPending: boolean } {
  const first = firstOfMonth(day);
  const days = Array.from({ length: MONTHS_BACK + MONTHS_AHEAD + 1 }, (_, at) =>
    addMonths(first, at - MONTHS_BACK),
  );
  const results = useQueries({ queries: days.map((on) => countQuery("active", on, asKnown)) });
  return {
    points: days.map((on, at) => ({ day: on, count: results[at]?.data })),
    isPending: results.some((result) => result.isPending),
  };
}
