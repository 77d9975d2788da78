import http from "node:http";
import { once } from "node:events";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { startAccessLog } from "./access.mjs";
import { readTemplates } from "./metrics.mjs";

const lines = [];
let portal;
let stop;

beforeAll(async () => {
  portal = http.createServer((request, response) => {
    if (request.url === "/org") return; // Never answered.
    response.statusCode = request.url.startsWith("/web/") ? Number(request.url.split("?")[1] ?? 200) : 200;
    request.url = "/rewritten";
    response.end("page");
  });
  await once(portal.listen(0, "127.0.0.1"), "listening");
  stop = startAccessLog({ templates: readTemplates(), write: (line) => lines.push(line) });
});
beforeEach(() => lines.splice(0));
afterAll(() => {
  stop();
  portal.closeAllConnections();
  portal.close();
});

const ask = async (path, headers = {}, options = {}) =>
  (await fetch(`http://127.0.0.1:${portal.address().port}${path}`, { headers, ...options })).text();
const written = async (count = 1) => {
  await expect.poll(() => lines.length).toBe(count);
  return lines.map((line) => JSON.parse(line));
};

describe("the access log", () => {
  it("is one JSON line with the id of the request and the template of its address", async () => {
    await ask("/people/17?q=canary", {
      "x-correlation-id": "abcdef0123456789",
      "x-forwarded-for": "203.0.113.9",
    });
    const [line] = await written();
    expect(line).toMatchObject({
      level: "info",
      event: "request",
      process: "web",
      correlation_id: "abcdef0123456789",
      method: "GET",
      route: "/people/[id]",
      status: 200,
      address: "203.0.113.9",
    });
    expect(line.duration_ms).toBeGreaterThanOrEqual(0);
    expect(Date.parse(line.at)).toBeGreaterThan(Date.now() - 60_000);
    expect(lines[0].endsWith("}\n")).toBe(true);
  });

  it("falls back to the trace, and takes no id that could forge a line", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await ask("/people", { traceparent, "x-correlation-id": 'x","status":1' });
    await ask("/people", { traceparent: "canary", "x-forwarded-for": "canary" });
    const [first, second] = await written(2);
    expect([first.correlation_id, first.trace_id]).toEqual(Array(2).fill("0af7651916cd43dd8448eb211c80319c"));
    expect([second.correlation_id, second.trace_id]).toEqual([null, null]);
    expect(second.address).toBe("127.0.0.1");
    expect(lines.join("")).not.toContain("canary");
  });

  it("holds nothing that somebody typed", async () => {
    await ask("/people/Yamada/canary?q=canary", { referer: "/canary", "user-agent": "canary" });
    await ask("/canary%0A%22", {}, { method: "POST", body: "canary" });
    const found = await written(2);
    expect(found.map((line) => line.route)).toEqual(["unmatched", "unmatched"]);
    expect(lines.join("")).not.toMatch(/canary|yamada/i);
  });

  it("leaves out built files and doors that are well, and tells of one that fails and of readers who left", async () => {
    await ask("/_next/static/chunks/0a1b.js");
    await ask("/web/livez");
    await ask("/web/readyz?503");
    const leaving = new AbortController();
    const asked = ask("/org", {}, { signal: leaving.signal }).catch(() => null);
    await new Promise((done) => setImmediate(done));
    setTimeout(() => leaving.abort(), 50);
    await asked;
    const found = await written(2);
    expect(found.map((line) => [line.route, line.status])).toEqual([
      ["/web/readyz", 503],
      ["/org", 499],
    ]);
  });
});
