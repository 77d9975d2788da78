function hex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

let last: string | null = null;

/** The newest id that this page gave a request: what broke afterwards is often its answer. */
export function lastCorrelationId(): string | null {
  return last;
}

/**
 * Headers that let one id be followed from this click to the SQL statement. The correlation id is also the
 * W3C trace id, so logs and traces need no second look-up.
 */
export function traceHeaders(): { correlationId: string; headers: Record<string, string> } {
  const correlationId = hex(16);
  last = correlationId;
  return {
    correlationId,
    headers: { "X-Correlation-ID": correlationId, traceparent: `00-${correlationId}-${hex(8)}-01` },
  };
}
