import packageJson from "../../../../package.json";

export const dynamic = "force-dynamic";

const STARTED_AT = new Date(Date.now() - process.uptime() * 1000).toISOString();

export function GET(): Response {
  return Response.json(
    {
      version: packageJson.version,
      commit: process.env.HRX_COMMIT ?? null,
      slot: process.env.HRX_SLOT ?? null,
      started_at: STARTED_AT,
    },
    { headers: { "cache-control": "no-store" } },
  );
}
