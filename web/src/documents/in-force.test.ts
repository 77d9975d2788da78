import { describe, expect, it } from "vitest";
import { daysText, findInForce, findLater, tenseOfDays } from "./in-force";

const version = (id: number, from: string | null, to: string | null, state = "ready") => ({
  id,
  number: id,
  state,
  effective_from: from,
  effective_to: to,
});
const OLD = version(1, "2022-04-01", "2025-03-31");
const NOW = version(2, "2025-04-01", "2027-03-31");
const NEXT = version(3, "2027-04-01", null);

describe("days on which a version is in force", () => {
  it("include the last one", () => {
    expect(tenseOfDays(OLD, "2025-03-31")).toBe("today");
    expect(tenseOfDays(OLD, "2025-04-01")).toBe("past");
    expect(tenseOfDays(NEXT, "2027-03-31")).toBe("future");
    expect(tenseOfDays(version(4, null, null), "1999-01-01")).toBe("today");
  });

  it("are written with the last day, open where it is open", () => {
    expect(daysText(OLD, "ja")).toBe("2022/04/01 〜 2025/03/31");
    expect(daysText(NEXT, "ja")).toBe("2027/04/01 〜");
    expect(daysText(version(4, null, "2025-03-31"), "en")).toBe("– 31 Mar 2025");
    expect(daysText(version(4, null, null), "en")).toBe("");
  });
});

describe("versions of a document", () => {
  it("take over from each other", () => {
    const versions = [NEXT, NOW, OLD];
    expect(findInForce(versions, "2026-01-01")).toBe(NOW);
    expect(findInForce(versions, "2020-01-01")).toBeUndefined();
    expect(findLater(versions, OLD)).toBe(NOW);
    expect(findLater(versions, NOW)).toBe(NEXT);
    expect(findLater(versions, NEXT)).toBeUndefined();
  });

  it("count only once they were read", () => {
    expect(findLater([OLD, version(2, "2025-04-01", null, "reading")], OLD)).toBeUndefined();
    expect(findInForce([version(2, "2025-04-01", null, "replaced")], "2026-01-01")).toBeUndefined();
  });
});
