import http from "node:http";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { makeRouteFinder, readTemplates, startMetrics } from "./metrics.mjs";

const templates = readTemplates();
let door;
let portal;

/** @param {http.Server} server */
const at = (server) => `http://127.0.0.1:${server.address().port}`;
const scrape = async () => (await fetch(`${at(door)}/metrics`)).text();
const nameOf = (line) => line.slice(0, line.lastIndexOf(" "));

beforeAll(async () => {
  door = startMetrics({ port: 0, templates });
  await once(door, "listening");
  portal = http.createServer((request, response) => {
    if (request.url === "/org") return; // Never answered.
    response.statusCode = request.url === "/nothing" ? 404 : 200;
    response.end("page");
  });
  await once(portal.listen(0, "127.0.0.1"), "listening");
});
afterAll(() => {
  portal.closeAllConnections();
  portal.close();
  door.close();
});

describe("/metrics", () => {
  it("counts requests under templates, sorted into buckets", async () => {
    for (const path of ["/people/7?q=x", "/people/8", "/nothing"])
      await (await fetch(at(portal) + path)).text();
    await expect.poll(scrape).toContain('http_route="unmatched",http_response_status_code="404"} 1');
    const text = await scrape();
    const labels = 'http_request_method="GET",http_route="/people/[id]",http_response_status_code="200"';
    expect(text).toContain(`http_server_request_duration_seconds_count{${labels}} 2`);
    expect(text).toContain(`http_server_request_duration_seconds_bucket{${labels},le="2.0"} 2`);
    expect(text).toContain(`http_server_request_duration_seconds_bucket{${labels},le="+Inf"} 2`);
    expect(text).not.toContain("/metrics");
  });

  it("tells of a reader who left before the answer, and of one who still waits", async () => {
    const leaving = new AbortController();
    const asked = fetch(`${at(portal)}/org`, { signal: leaving.signal }).catch(() => null);
    await expect.poll(scrape).toContain("http_server_active_requests 1");
    leaving.abort();
    await asked;
    await expect.poll(scrape).toContain('http_route="/org",http_response_status_code="499"} 1');
    expect(await scrape()).toContain("http_server_active_requests 0");
  });

  it("shows how long the event loop stood still", async () => {
    const until = performance.now() + 300;
    while (performance.now() < until);
    await expect
      .poll(async () => Number((await scrape()).match(/^hrx_event_loop_lag_seconds (.+)$/m)[1]))
      .toBeGreaterThan(0.2);
  });

  it("grows no series for whatever is asked", async () => {
    const ask = async (path, method) => (await fetch(at(portal) + path, { method })).text();
    await ask("/first/unknown", "PROPFIND");
    const before = new Set((await scrape()).split("\n").map(nameOf));
    for (let count = 0; count < 50; count++)
      await ask(`/${Math.random()}/"\\${count}?x=${Math.random()}`, "PROPFIND");
    const added = (await scrape())
      .split("\n")
      .map(nameOf)
      .filter((line) => !before.has(line));
    expect(added).toEqual([]);
  });
});

describe("the route of a request", () => {
  it("is a page's template, a door, built files, or nothing of ours", () => {
    const routeOf = makeRouteFinder(templates);
    expect(routeOf("/people/new")).toBe("/people/new");
    expect(routeOf("/people/12?_rsc=abc")).toBe("/people/[id]");
    expect(routeOf("/web/readyz")).toBe("/web/readyz");
    expect(routeOf("/_next/static/chunks/0a1b.js")).toBe("/_next/static");
    expect(routeOf("/people/1/2")).toBe("unmatched");
    expect(routeOf('/"} 1')).toBe("unmatched");
  });
});
