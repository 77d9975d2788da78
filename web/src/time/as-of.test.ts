import { describe, expect, it } from "vitest";

import { asOfQuery, carryAsOf, NOW, readAsOf, tenseOf } from "./as-of";

describe("the day that pages speak of", () => {
  it("is today when the address says nothing", () => {
    expect(readAsOf(new URLSearchParams(""))).toEqual(NOW);
  });

  it("ignores what is no day at all", () => {
    expect(readAsOf(new URLSearchParams("as_of=tomorrow")).on).toBeNull();
  });

  it("is past, today or future against the tenant's own today", () => {
    const at = (on: string) => tenseOf({ on, known: null } as Parameters<typeof tenseOf>[0], "2026-11-23");
    expect([at("2026-11-22"), at("2026-11-23"), at("2026-11-24")]).toEqual(["past", "today", "future"]);
  });

  it("travels with links and is sent to the API", () => {
    const asOf = readAsOf(new URLSearchParams("as_of=2025-04-01"));
    expect(carryAsOf("/people", asOf)).toContain("as_of=2025-04-01");
    expect(asOfQuery(asOf)).toEqual({ as_of: "2025-04-01" });
  });
});
