/**
 * Ready: may traffic come? The portal serves its pages without the API (they then say so), hence the API is a
 * dependency that degrades and does not take the portal out of rotation.
 */
export const dynamic = "force-dynamic";

const API_TIMEOUT_MS = 2_000;
const AFFECTS = { ja: "すべての画面のデータ", en: "data on every page" };

type Status = "ok" | "failed" | "not_configured";

interface Check {
  name: "api";
  status: Status;
  latency_ms: number | null;
  required: boolean;
  affects: typeof AFFECTS;
  detail: string | null;
}

async function checkApi(): Promise<Check> {
  const base = { name: "api" as const, required: false, affects: AFFECTS };
  const address = process.env.HRX_API_URL;
  if (!address)
    return { ...base, status: "not_configured", latency_ms: null, detail: "HRX_API_URL is not set" };
  const startedAt = performance.now();
  const elapsed = () => Math.round((performance.now() - startedAt) * 10) / 10;
  try {
    const answer = await fetch(new URL("/livez", address), {
      cache: "no-store",
      signal: AbortSignal.timeout(API_TIMEOUT_MS),
    });
    await answer.body?.cancel();
    return {
      ...base,
      status: answer.ok ? "ok" : "failed",
      latency_ms: elapsed(),
      detail: answer.ok ? null : `HTTP ${answer.status}`,
    };
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === "TimeoutError";
    return {
      ...base,
      status: "failed",
      latency_ms: elapsed(),
      detail: isLate ? `no answer within ${API_TIMEOUT_MS} ms` : "not reachable",
    };
  }
}

export async function GET(): Promise<Response> {
  const check = await checkApi();
  const degraded = check.status === "failed" ? [check.name] : [];
  return Response.json(
    { status: degraded.length ? "degraded" : "ready", checks: [check], degraded },
    { headers: { "cache-control": "no-store" } },
  );
}
