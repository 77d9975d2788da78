// What this server says of itself at /metrics, on a port of its own that only listens on loopback.
//
// Names, labels and buckets are the catalogue's (src/hrx/kit/catalogue/http.py); a test compares the two. They
// are written here rather than by a library: the standalone build carries only what Next traced, and what is
// needed is one histogram and five numbers.
import { readFileSync } from "node:fs";
import diagnostics from "node:diagnostics_channel";
import http from "node:http";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";

const BUCKETS_S = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2, 2.5, 5, 7.5, 10,
];
const METHODS = new Set(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]);
const UNMATCHED = "unmatched";
/** Doors and built files; the latter have thousands of names. */
const OTHER_ROUTES = ["/web/livez", "/web/readyz", "/web/version", "/icon.svg"];
export const BUILT_FILES = "/_next/static";
/** The same as the API says when nobody was there any more to be answered. */
export const CLIENT_LEFT = 499;
const LAG_RESOLUTION_MS = 20;
const LAG_REMEMBERED_S = 10;

/** @param {string[]} templates pages such as "/people/[id]" */
export function makeRouteFinder(templates) {
  const exact = new Set([...templates.filter((one) => !one.includes("[")), ...OTHER_ROUTES]);
  const patterns = templates
    .filter((one) => one.includes("["))
    .map((template) => [template, new RegExp(`^${template.replace(/\[[^\]]+\]/g, "[^/]+")}$`)]);
  return (/** @type {string} */ address) => {
    const path = address.split("?", 1)[0];
    if (exact.has(path)) return path;
    if (path.startsWith(`${BUILT_FILES}/`)) return BUILT_FILES;
    return patterns.find(([, pattern]) => pattern.test(path))?.[0] ?? UNMATCHED;
  };
}

/** One of the methods there are, else one name for all others: a caller must not invent series or words. */
export function methodOf(request) {
  return METHODS.has(request.method) ? request.method : "OTHER";
}

/** Counts requests; holds one series for each method, route and status that was seen, all three bounded. */
export class RequestFigures {
  active = 0;
  #series = new Map();
  #routeOf;

  constructor(templates) {
    this.#routeOf = makeRouteFinder(templates);
  }

  /** Follow one request to its end, also when its reader leaves before it. */
  follow(request, response) {
    const startedAt = performance.now();
    // Next writes into the request; its address now is what was asked for.
    const [method, route] = [methodOf(request), this.#routeOf(request.url ?? "")];
    this.active += 1;
    response.once("close", () => {
      this.active -= 1;
      const status = response.headersSent ? response.statusCode : CLIENT_LEFT;
      this.observe({ method, route, status, seconds: (performance.now() - startedAt) / 1000 });
    });
  }

  observe({ method, route, status, seconds }) {
    const labels = `http_request_method="${method}",http_route="${route}",http_response_status_code="${status}"`;
    let series = this.#series.get(labels);
    if (series === undefined) {
      series = { counts: new Array(BUCKETS_S.length).fill(0), count: 0, sum: 0 };
      this.#series.set(labels, series);
    }
    series.count += 1;
    series.sum += seconds;
    BUCKETS_S.forEach((bound, place) => {
      if (seconds <= bound) series.counts[place] += 1;
    });
  }

  *lines() {
    const name = "http_server_request_duration_seconds";
    yield* headOf(name, "histogram", "Duration of HTTP server requests, by route template.");
    for (const [labels, { counts, count, sum }] of this.#series) {
      for (const [place, bound] of BUCKETS_S.entries())
        yield `${name}_bucket{${labels},le="${Number.isInteger(bound) ? bound.toFixed(1) : bound}"} ${counts[place]}`;
      yield `${name}_bucket{${labels},le="+Inf"} ${count}`;
      yield `${name}_sum{${labels}} ${sum}`;
      yield `${name}_count{${labels}} ${count}`;
    }
    yield* single("http_server_active_requests", "gauge", "HTTP requests being answered now.", this.active);
  }
}

/** How late the event loop was at worst in the last seconds. */
class LoopLag {
  #delay = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  #worst = [];

  constructor() {
    this.#delay.enable();
    setInterval(() => {
      this.#worst = [...this.#worst, this.#delay.max].slice(-LAG_REMEMBERED_S);
      this.#delay.reset();
    }, 1_000).unref();
  }

  get seconds() {
    // What is measured is the time between two ticks, so one tick's own length is no delay.
    const worst = Math.max(0, this.#delay.max, ...this.#worst);
    return Math.max(0, worst / 1e9 - LAG_RESOLUTION_MS / 1e3);
  }
}

function* processLines(lag) {
  const { user, system } = process.cpuUsage();
  yield* single("hrx_event_loop_lag_seconds", "gauge", "How late the event loop was.", lag.seconds);
  yield* single("process_cpu_seconds_total", "counter", "CPU time of the process.", (user + system) / 1e6);
  yield* single(
    "process_resident_memory_bytes",
    "gauge",
    "Resident memory of the process.",
    process.memoryUsage.rss(),
  );
  yield* single("process_start_time_seconds", "gauge", "When the process started.", STARTED_AT_S);
}

const STARTED_AT_S = Date.now() / 1000 - process.uptime();

function* single(name, type, help, value) {
  yield* headOf(name, type, help);
  yield `${name} ${value}`;
}

function* headOf(name, type, help) {
  yield `# HELP ${name} ${help}`;
  yield `# TYPE ${name} ${type}`;
}

/**
 * Count what this process answers from now on and show it on `port`. A port that is taken costs the figures and
 * never the portal. `port` 0 takes a free one.
 */
export function startMetrics({ port, templates }) {
  const figures = new RequestFigures(templates);
  const lag = new LoopLag();
  const door = http.createServer((request, response) => {
    const isAsked = request.url === "/metrics";
    response.writeHead(isAsked ? 200 : 404, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
    response.end(isAsked ? [...figures.lines(), ...processLines(lag), ""].join("\n") : "");
  });
  door.on("error", (error) => console.error(`No metrics on port ${port}: ${error.message}`));
  // Node tells of every request of every server in this process; nothing of Next has to be wrapped.
  diagnostics.subscribe("http.server.request.start", ({ request, response, server }) => {
    if (server !== door) figures.follow(request, response);
  });
  door.listen(port, "127.0.0.1").unref();
  return door;
}

/** The pages' templates lie beside this file, in the sources as in the build. */
export function readTemplates() {
  return JSON.parse(readFileSync(join(import.meta.dirname, "routes.json"), "utf8"));
}
