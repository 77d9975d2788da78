// One JSON line on standard output for each request, in the shape of the API's own access lines, so that one
// correlation id is found from the edge through the portal to the database. Of an address only the template is
// written, and nothing of its query: both may hold what somebody typed.
import diagnostics from "node:diagnostics_channel";
import { isIP } from "node:net";
import { BUILT_FILES, CLIENT_LEFT, makeRouteFinder, methodOf } from "./metrics.mjs";

/** The same as the edge takes over; anything else could forge a line or name somebody. */
const CORRELATION_ID = /^[A-Za-z0-9_-]{8,64}$/;
const TRACEPARENT = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;
/** Asked twice a second by those who watch: worth a line only when they fail. */
const DOORS = new Set(["/web/livez", "/web/readyz", "/web/version"]);

/** Write a line for everything that this process answers from now on, but on ports that are `not`. */
export function startAccessLog({ templates, not = [], write = (line) => process.stdout.write(line) }) {
  const routeOf = makeRouteFinder(templates);
  const follow = ({ request, response, server }) => {
    if (not.includes(server)) return;
    const startedAt = performance.now();
    // Next writes into the request; what it is now is what was asked for.
    const asked = {
      ...identify(request.headers),
      method: methodOf(request),
      route: routeOf(request.url ?? ""),
    };
    const address = addressOf(request);
    response.once("close", () => {
      const status = response.headersSent ? response.statusCode : CLIENT_LEFT;
      if (asked.route === BUILT_FILES || (DOORS.has(asked.route) && status < 400)) return;
      const { correlation_id, trace_id, method, route } = asked;
      write(
        `${JSON.stringify({
          at: new Date().toISOString(),
          level: "info",
          event: "request",
          logger: "hrx.http",
          process: "web",
          correlation_id,
          trace_id,
          method,
          route,
          status,
          duration_ms: Math.round((performance.now() - startedAt) * 100) / 100,
          address,
        })}\n`,
      );
    });
  };
  diagnostics.subscribe("http.server.request.start", follow);
  return () => diagnostics.unsubscribe("http.server.request.start", follow);
}

/** The ids of a request: the caller's when they are harmless, as everywhere else. */
export function identify(headers) {
  const trace = TRACEPARENT.exec(headers.traceparent ?? "")?.[1] ?? null;
  const offered = headers["x-correlation-id"] ?? "";
  return { correlation_id: CORRELATION_ID.test(offered) ? offered : trace, trace_id: trace };
}

/** Who asked, as the edge saw it; it takes away what the caller claims. */
function addressOf(request) {
  const seen = String(request.headers["x-forwarded-for"] ?? "")
    .split(",")
    .at(-1)
    .trim();
  return isIP(seen) ? seen : (request.socket?.remoteAddress ?? null);
}
