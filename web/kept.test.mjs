import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { serveKept } from "./kept.mjs";

let portal;
let stop;
let root;

const put = (path, text) => {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), text);
};

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "hrx-kept-"));
  put("own/chunks/now.js", "of this build");
  put("kept/build-1/chunks/old.js", "of an older build");
  put("kept/build-1/chunks/now.js", "of an older build");
  put("kept/build-1/css/old.css", "p{}");
  put("kept/build-2/chunks/[turbopack]_x.js", "named by its builder");
  put("kept/.half/chunks/half.js", "still being copied");
  put("secret.txt", "not to be given");
  stop = serveKept({ folder: join(root, "kept"), own: join(root, "own") });
  portal = http.createServer((request, response) => {
    response.statusCode = request.url.includes("now.js") ? 200 : 404;
    response.end("of the portal itself");
  });
  await once(portal.listen(0, "127.0.0.1"), "listening");
});
afterAll(() => {
  stop();
  portal.closeAllConnections();
  portal.close();
  rmSync(root, { recursive: true });
});

const ask = (path, options) => fetch(`http://127.0.0.1:${portal.address().port}${path}`, options);

describe("files of builds before this one", () => {
  it("are given for good, with their type, to a tab that was opened on them", async () => {
    const answer = await ask("/_next/static/chunks/old.js?dpl=x");
    expect(await answer.text()).toBe("of an older build");
    expect(answer.headers.get("content-type")).toContain("javascript");
    expect(answer.headers.get("cache-control")).toContain("immutable");
    expect((await ask("/_next/static/css/old.css")).headers.get("content-type")).toContain("text/css");
    expect(await (await ask("/_next/static/chunks/%5Bturbopack%5D_x.js")).text()).toBe(
      "named by its builder",
    );
  });

  it("never stand in for this build's own", async () => {
    expect(await (await ask("/_next/static/chunks/now.js")).text()).toBe("of the portal itself");
  });

  it("are told without their body when only that is asked", async () => {
    const answer = await ask("/_next/static/chunks/old.js", { method: "HEAD" });
    expect([answer.status, answer.headers.get("content-length")]).toEqual([200, "17"]);
  });

  it("are found by name alone: what nobody has, half copies and ways out of the folder are not", async () => {
    for (const path of [
      "chunks/none.js",
      "chunks/half.js",
      "chunks",
      "..%2f..%2fsecret.txt",
      "%E0%A4%A",
      ".half/x.js",
    ])
      expect((await ask(`/_next/static/${path}`)).status).toBe(404);
    expect((await ask("/_next/static/chunks/old.js", { method: "POST" })).status).toBe(404);
    expect((await ask("/other/chunks/old.js")).status).toBe(404);
  });
});
