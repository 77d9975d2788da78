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

interface Patience {
  readonly timeoutMs?: number;
  /** The answer streams: only its beginning is waited for, its reader watches over the rest. */
  readonly isStream?: boolean;
}

/** One request with ids to follow it by; every failure leaves as an ApiProblem. */
export async function send(
  request: Request,
  { timeoutMs = TIMEOUT_MS, isStream = false }: Patience = {},
): Promise<Response> {
  const { correlationId, headers } = traceHeaders();
  for (const [name, value] of Object.entries(headers)) request.headers.set(name, value);
  request.headers.set("Accept-Language", caller.locale);
  if (!SAFE_METHODS.has(request.method)) request.headers.set("X-CSRF-Token", caller.csrfToken);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  let response: Response;
  try {
    response = await fetch(request, { signal: AbortSignal.any([request.signal, late.signal]) });
  } catch (error) {
    clearTimeout(timer);
    if (request.signal.aborted) throw error;
    throw offlineProblem(correlationId);
  }
  // The time-out covers the body as well, but never a stream that is going on.
  if (isStream) clearTimeout(timer);
  if (!response.ok) throw await problemOf(response, correlationId);
  return response;
}

/** The typed client; addresses are same-origin, so cookies travel and no CORS is needed. */
export const api = createClient<paths>({
  baseUrl: typeof location === "undefined" ? "" : location.origin,
  credentials: "same-origin",
  fetch: (request) => send(request),
});

/** The body of an answer. Failures were thrown by `send` already. */
export async function body<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T;
}
