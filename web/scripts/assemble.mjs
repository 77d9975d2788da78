// The standalone server does not carry static files of its own accord: put them beside it, so that
// .next/standalone is the whole product and can be copied, started and rolled back as one folder.
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const standalone = join(root, ".next", "standalone");

cpSync(join(root, ".next", "static"), join(standalone, ".next", "static"), { recursive: true });
if (existsSync(join(root, "public"))) {
  cpSync(join(root, "public"), join(standalone, "public"), { recursive: true });
}
cpSync(join(root, "server.mjs"), join(standalone, "start.mjs"));
for (const beside of ["access.mjs", "kept.mjs", "metrics.mjs", "routes.json"])
  cpSync(join(root, beside), join(standalone, beside));
