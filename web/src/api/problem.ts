/** What went wrong, as the API tells it (RFC 9457) or as the network makes us guess. */
export interface FieldProblem {
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

/** Codes that are made here, because no server answered. */
export type LocalCode = "offline" | "unreadable_answer";

interface ProblemParts {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail?: string | null;
  readonly hint?: string | null;
  readonly errors?: readonly FieldProblem[] | null;
  readonly correlationId: string;
  readonly retryAfterSeconds?: number | null;
}

export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string | null;
  readonly hint: string | null;
  readonly errors: readonly FieldProblem[];
  readonly correlationId: string;
  readonly retryAfterSeconds: number | null;

  constructor(parts: ProblemParts) {
    super(`${parts.status} ${parts.code}: ${parts.title}`);
    this.status = parts.status;
    this.code = parts.code;
    this.title = parts.title;
    this.detail = parts.detail && parts.detail !== parts.title ? parts.detail : null;
    this.hint = parts.hint ?? null;
    this.errors = parts.errors ?? [];
    this.correlationId = parts.correlationId;
    this.retryAfterSeconds = parts.retryAfterSeconds ?? null;
  }

  /** The message for one field, when the API named it. */
  forField(field: string): string | undefined {
    return this.errors.find((problem) => problem.field === field)?.message;
  }

  /** True when nobody but an operator can help, who will ask for the id; a mistyped password is not such a case. */
  get needsSupport(): boolean {
    return this.status === 0 || this.status >= 500 || this.code === "unreadable_answer";
  }

  /** True when trying again unchanged may work: nobody answered, or a dependency was down. */
  get isTemporary(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

/** Turns an answer that is not 2xx into an error; never throws itself, whatever the body holds. */
export async function problemOf(response: Response, correlationId: string): Promise<ApiProblem> {
  const body = (await response.json().catch(() => null)) as Record<string, unknown> | null;
  const retryAfter = Number(response.headers.get("retry-after"));
  const text = (key: string): string | null =>
    typeof body?.[key] === "string" ? (body[key] as string) : null;
  return new ApiProblem({
    status: response.status,
    code: text("code") ?? "unreadable_answer",
    title: text("title") ?? "",
    detail: text("detail"),
    hint: text("hint"),
    errors: Array.isArray(body?.errors) ? (body.errors as FieldProblem[]) : [],
    correlationId: text("correlation_id") ?? response.headers.get("x-correlation-id") ?? correlationId,
    retryAfterSeconds: retryAfter > 0 ? retryAfter : null,
  });
}

export function offlineProblem(correlationId: string): ApiProblem {
  return new ApiProblem({ status: 0, code: "offline", title: "", correlationId });
}
