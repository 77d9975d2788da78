// Starts the built portal on HRX_WEB_PORT (or PORT), on loopback unless HRX_WEB_HOST says otherwise.
// Next's own server.js would listen on every address when HOSTNAME is missing, and HOSTNAME is the machine's
// name in many shells: both are wrong for a process behind an edge.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { startAccessLog } from "./access.mjs";
import { serveKept } from "./kept.mjs";
import { readTemplates, startMetrics } from "./metrics.mjs";

process.env.PORT = process.env.HRX_WEB_PORT ?? process.env.PORT ?? "8111";
process.env.HOSTNAME = process.env.HRX_WEB_HOST ?? "127.0.0.1";
process.env.NEXT_TELEMETRY_DISABLED = "1";
process.env.NODE_ENV = "production";

const beside = join(import.meta.dirname, "server.js");
const built = join(import.meta.dirname, ".next", "standalone", "server.js");
const server = existsSync(beside) ? beside : built;
if (!existsSync(server)) {
  console.error("The portal has not been built yet. Run: npm run build");
  process.exit(2);
}
const templates = readTemplates();
const metricsPort = process.env.HRX_WEB_METRICS_PORT;
const metrics = metricsPort ? startMetrics({ port: Number(metricsPort), templates }) : null;
startAccessLog({ templates, not: [metrics] });
const kept = process.env.HRX_WEB_KEPT_FOLDER;
if (kept) serveKept({ folder: kept, own: join(server, "..", ".next", "static") });
await import(server);
