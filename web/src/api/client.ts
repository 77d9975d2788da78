import createClient from "openapi-fetch";
import { traceHeaders } from "./correlation";
import { offlineProblem, problemOf } from "./problem";
import type { paths } from "./schema";

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/** Generous enough for a slow phone, short enough that nobody stares at a spinner for ever. */
const TIMEOUT_MS = 30_000;

/** What the session told this page; unsafe requests must repeat the token, messages come in the language. */
const caller = { csrfToken: "", locale: "ja" };

export function rememberCaller(known: { csrfToken?: string; locale?: string }): void {
  Object.assign(caller, known);
}

/** One request with ids to follow it by; every failure leaves as an ApiProblem. */
export async function send(request: Request): Promise<Response> {
  const { correlationId, headers } = traceHeaders();
  for (const [name, value] of Object.entries(headers)) request.headers.set(name, value);
  request.headers.set("Accept-Language", caller.locale);
  if (!SAFE_METHODS.has(request.method)) request.headers.set("X-CSRF-Token", caller.csrfToken);
  let response: Response;
  try {
    response = await fetch(request, {
      signal: AbortSignal.any([request.signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw offlineProblem(correlationId);
  }
  if (!response.ok) throw await problemOf(response, correlationId);
  return response;
}

/** The typed client; addresses are same-origin, so cookies travel and no CORS is needed. */
export const api = createClient<paths>({
  baseUrl: typeof location === "undefined" ? "" : location.origin,
  credentials: "same-origin",
  fetch: send,
});

/** The body of an answer. Failures were thrown by `send` already. */
export async function body<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T;
}
