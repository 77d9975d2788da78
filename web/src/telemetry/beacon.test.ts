import { describe, expect, it } from "vitest";

import { ApiProblem } from "@/api/problem";
import { BeaconQueue, ERRORS_AT_MOST, EVENTS_AT_MOST, type Beacon, type BeaconEvent } from "./beacon";
import { errorEvent } from "./errors";
import { routeOf } from "./route";

const VIEW: BeaconEvent = { kind: "view", route: "/people" };

function desk({ isLeaving = false, send = (): boolean => true } = {}) {
  const sent: Beacon[] = [];
  const later: (() => void)[] = [];
  const queue = new BeaconQueue({
    device: () => "desktop",
    send: (report) => {
      sent.push(JSON.parse(report) as Beacon);
      return send();
    },
    isLeaving: () => isLeaving,
    later: (work) => later.push(work),
  });
  return { queue, sent, later };
}

describe("what a page reports", () => {
  it("waits and travels together", () => {
    const { queue, sent, later } = desk();
    for (let count = 0; count < 3; count++) queue.add(VIEW);
    expect(sent).toEqual([]);
    expect(later).toHaveLength(1);
    later[0]?.();
    expect(sent).toEqual([{ device: "desktop", events: [VIEW, VIEW, VIEW] }]);
    queue.add(VIEW);
    expect(later).toHaveLength(2);
  });

  it("never holds more events than the API takes", () => {
    const { queue, sent } = desk();
    for (let count = 0; count < 2 * EVENTS_AT_MOST + 1; count++) queue.add(VIEW);
    expect(sent.map((report) => report.events.length)).toEqual([EVENTS_AT_MOST, EVENTS_AT_MOST]);
    queue.flush();
    expect(sent[2]?.events).toHaveLength(1);
    queue.flush();
    expect(sent).toHaveLength(3);
  });

  it("does not wait for a timer while the page is being left", async () => {
    const { queue, sent, later } = desk({ isLeaving: true });
    queue.add(VIEW);
    queue.add(VIEW);
    await Promise.resolve();
    expect(later).toEqual([]);
    expect(sent.map((report) => report.events.length)).toEqual([2]);
  });

  it("tells only the first of many errors", () => {
    const { queue, sent } = desk();
    for (let count = 0; count < 500; count++) queue.add(errorEvent(new TypeError("again"), "/"));
    queue.flush();
    expect(sent.flatMap((report) => report.events)).toHaveLength(ERRORS_AT_MOST);
  });

  it("fits into what the API reads, whatever the messages are", () => {
    const { queue, sent } = desk();
    const error = new Error("人".repeat(5_000));
    error.name = "名".repeat(500);
    for (let count = 0; count < ERRORS_AT_MOST; count++) queue.add(errorEvent(error, "/people/[id]"));
    queue.flush();
    expect(new TextEncoder().encode(JSON.stringify(sent[0])).length).toBeLessThan(32 * 1024);
  });

  it("breaks nothing when the browser refuses", () => {
    const { queue } = desk({
      send: () => {
        throw new Error("blocked");
      },
    });
    queue.add(VIEW);
    expect(() => queue.flush()).not.toThrow();
  });
});

describe("an error of a page", () => {
  it("keeps the id of the request that failed", () => {
    const problem = new ApiProblem({ status: 503, code: "x", title: "y", correlationId: "abc" });
    expect(errorEvent(problem, "/")).toMatchObject({ error_type: "ApiProblem", correlation_id: "abc" });
  });

  it("may be anything that somebody threw", () => {
    for (const thrown of [undefined, null, 7, { name: "佐藤" }])
      expect(errorEvent(thrown, "/")).toMatchObject({ error_type: "other", message: "" });
    expect(errorEvent("words", "/")).toMatchObject({ error_type: "other", message: "words" });
  });
});

describe("the route of a page", () => {
  it("is its template, never the address", () => {
    expect(routeOf("/")).toBe("/");
    expect(routeOf("/people/42")).toBe("/people/[id]");
    expect(routeOf("/people/new")).toBe("/people/new");
    expect(routeOf("/imports/7")).toBe("/imports/[id]");
  });

  it("is one word for everything else", () => {
    for (const path of ["/people/4/2", "/nothing", "/People", "//", "/people/42\n/x", ""])
      expect(routeOf(path)).toBe("unmatched");
  });
});
