// Brings the typed client up to date with the API.
//
//   npm run generate             asks the API's own code for its OpenAPI document, then writes types
//   npm run generate -- --types  writes types from the committed openapi.json only (needs no Python)
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const web = join(import.meta.dirname, "..");
const repository = join(web, "..");

function python() {
  const own = join(repository, ".venv", "bin", "python");
  return existsSync(own) ? own : "python3";
}

if (!process.argv.includes("--types")) {
  const document = execFileSync(python(), ["-m", "hrx.app.api", "--openapi"], {
    cwd: repository,
    encoding: "utf8",
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  writeFileSync(join(web, "openapi.json"), JSON.stringify(JSON.parse(document), null, 1) + "\n");
}
execFileSync(
  join(web, "node_modules", ".bin", "openapi-typescript"),
  ["openapi.json", "--output", "src/api/schema.d.ts", "--default-non-nullable=false"],
  { cwd: web, stdio: "inherit", timeout: 60_000 },
);
