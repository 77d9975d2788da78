/** Alive: this process answers. Says nothing about anything else, so that nobody restarts it for their sake. */
export const dynamic = "force-dynamic";

export function GET(): Response {
  return Response.json({ status: "alive" }, { headers: { "cache-control": "no-store" } });
}
