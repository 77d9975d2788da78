// Files of builds before this one, for tabs that were opened on them. A tab loads its chunks when it needs
// them, perhaps days after a release; their names carry a digest of what they hold, so any portal may give
// them. `folder` holds one folder for each kept build, as `static` would be below `/_next`.
import { createReadStream, existsSync, readdirSync, statSync } from "node:fs";
import http from "node:http";
import { extname, join } from "node:path";

const PREFIX = "/_next/static/";
/** What a build names: no dots that lead elsewhere, no escapes to be decoded. */
const PATH = /^(?:[A-Za-z0-9_~@()[\]-][A-Za-z0-9._~@()[\]-]*\/)*[A-Za-z0-9_~@()[\]-][A-Za-z0-9._~@()[\]-]*$/;
const TYPES = {
  ".js": "application/javascript; charset=UTF-8",
  ".css": "text/css; charset=UTF-8",
  ".json": "application/json; charset=UTF-8",
  ".map": "application/json; charset=UTF-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
  ".woff": "font/woff",
  ".png": "image/png",
  ".ico": "image/x-icon",
};

/** Have every server that this process makes from now on give what only an older build has. */
export function serveKept({ folder, own }) {
  const emit = http.Server.prototype.emit;
  http.Server.prototype.emit = function (event, request, response, ...rest) {
    if (event === "request") {
      const path = findKept({ folder, own, url: request.url ?? "" });
      if (path && (request.method === "GET" || request.method === "HEAD")) {
        send(path, request, response);
        return true;
      }
    }
    return emit.call(this, event, request, response, ...rest);
  };
  return () => {
    http.Server.prototype.emit = emit;
  };
}

/** Where an asked file lies among the kept ones; null when this build has it, or nobody. */
export function findKept({ folder, own, url }) {
  if (!url.startsWith(PREFIX)) return null;
  const name = decoded(url.slice(PREFIX.length).split("?")[0]);
  if (name === null || !PATH.test(name) || existsSync(join(own, name))) return null;
  for (const build of builds(folder)) {
    const path = join(folder, build, name);
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) return path;
  }
  return null;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function builds(folder) {
  try {
    return readdirSync(folder).filter((name) => !name.startsWith("."));
  } catch {
    return [];
  }
}

function send(path, request, response) {
  response.setHeader("Content-Type", TYPES[extname(path)] ?? "application/octet-stream");
  response.setHeader("Content-Length", statSync(path).size);
  // As Next says of its own: the name is a digest, what it names never changes.
  response.setHeader("Cache-Control", "public, max-age=31536000, immutable");
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  createReadStream(path)
    .on("error", () => response.destroy())
    .pipe(response);
}
