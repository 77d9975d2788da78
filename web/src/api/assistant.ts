import { queryOptions, useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { send } from "./client";
import { readEvents, StreamLost } from "./event-stream";
import { ApiProblem, type FieldProblem } from "./problem";

export type AnswerMode = "model" | "quotes" | "people" | "not_found";

/** A numbered place of a document's version that an answer rests on; places are counted in characters. */
export interface Citation {
  readonly number: number;
  readonly document_id: number;
  readonly version_id: number;
  readonly title: string;
  readonly headings: readonly string[];
  readonly page: number | null;
  readonly start_char: number;
  readonly end_char: number;
  readonly body_sha256: string;
  readonly quote: string;
  readonly quote_start: number;
  readonly quote_end: number;
  readonly effective_from: string | null;
  /** The first day on which it is not in force. */
  readonly effective_to: string | null;
}

export interface Sentence {
  readonly text: string;
  readonly citations: readonly number[];
  readonly is_supported: boolean;
}

export interface PersonFound {
  readonly id: number;
  readonly name: string;
  readonly org_unit: string | null;
  readonly position: string | null;
}

/** What the records say, counted and listed under the reader's own rights. */
export interface PeopleAnswer {
  readonly as_of: string;
  readonly total: number;
  readonly items: readonly PersonFound[];
}

export type Verdict = "up" | "down";

export interface KeptAnswer {
  readonly id: number;
  readonly question: string;
  readonly language: "ja" | "en";
  readonly asked_on: string;
  readonly asked_at: string;
  readonly mode: AnswerMode;
  readonly state: "interrupted" | "done";
  readonly reason: string;
  readonly searched_documents: number;
  readonly verdict: Verdict | null;
  readonly sentences: readonly Sentence[];
  readonly citations: readonly Citation[];
  readonly people: PeopleAnswer | null;
  /** Citations or sentences that may not be seen any more. */
  readonly hidden: number;
}

export interface ConversationLine {
  readonly id: number;
  readonly question: string;
  readonly answers: number;
  readonly created_at: string;
  readonly last_asked_at: string;
}

interface Reason {
  readonly reason?: string | null;
  /** The reason in the reader's words. */
  readonly message?: string | null;
}

/** What is heard while an answer comes, in the order in which it comes. */
export type AnswerEvent =
  | ({
      readonly event: "meta";
      readonly answer_id: number;
      readonly conversation_id: number;
      readonly mode: AnswerMode;
      readonly searched_documents: number;
      readonly on: string;
    } & Reason)
  | ({ readonly event: "citation" } & Citation)
  | { readonly event: "delta"; readonly text: string }
  | ({ readonly event: "sentence" } & Sentence)
  | ({ readonly event: "people" } & PeopleAnswer)
  | { readonly event: "usage"; readonly model?: string }
  | ({ readonly event: "interrupted" } & Reason)
  | ({ readonly event: "done"; readonly answer_id: number; readonly mode: AnswerMode } & Reason);

const ROOT = "/api/v1/assistant";

export interface Question {
  readonly question: string;
  readonly conversationId: number | null;
  readonly on: string | null;
}

/**
 * Asks, and gives the answer event by event. Raises ApiProblem when there is none, or when it ended with one;
 * StreamLost when the line broke before the end. Leaving the loop, or aborting, ends the answer on the server.
 */
export async function* ask(
  asked: Question,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent, void, undefined> {
  const request = new Request(`${location.origin}${ROOT}/questions`, {
    method: "POST",
    credentials: "same-origin",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify({
      question: asked.question,
      ...(asked.conversationId !== null && { conversation_id: asked.conversationId }),
      ...(asked.on && { on: asked.on }),
    }),
    signal,
  });
  const { body } = await send(request, { isStream: true });
  if (!body) throw new StreamLost("The answer has no body.");
  for await (const { event, data } of readEvents(body)) {
    const told = JSON.parse(data) as Record<string, unknown>;
    if (event === "problem") throw problemIn(told);
    // Names that a later release adds are passed over by whoever reads.
    yield { event, ...told } as AnswerEvent;
    if (event === "done") return;
  }
  throw new StreamLost("The answer broke off.");
}

function problemIn(told: Record<string, unknown>): ApiProblem {
  const text = (key: string) => (typeof told[key] === "string" ? (told[key] as string) : null);
  return new ApiProblem({
    status: Number(told.status) || 500,
    code: text("code") ?? "unreadable_answer",
    title: text("title") ?? "",
    detail: text("detail"),
    hint: text("hint"),
    errors: Array.isArray(told.errors) ? (told.errors as FieldProblem[]) : [],
    correlationId: text("correlation_id") ?? "",
  });
}

async function json<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await send(new Request(location.origin + path, { credentials: "same-origin", ...init }));
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export function useConversations() {
  return useInfiniteQuery({
    queryKey: ["conversations", "list"],
    queryFn: ({ signal, pageParam }) =>
      json<{ items: ConversationLine[]; next_cursor: string | null }>(
        `${ROOT}/conversations?limit=20${pageParam && `&cursor=${encodeURIComponent(pageParam)}`}`,
        { signal },
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
}

export const conversationQuery = (id: number) =>
  queryOptions({
    queryKey: ["conversations", id],
    queryFn: ({ signal }) =>
      json<{ id: number; answers: KeptAnswer[] }>(`${ROOT}/conversations/${id}`, { signal }),
  });

export function useConversation(id: number | null) {
  return useQuery({
    ...conversationQuery(id ?? 0),
    enabled: id !== null,
    // What is asked meanwhile is on the page already.
    staleTime: Infinity,
    refetchOnMount: "always",
  });
}

export function useDeleteConversation() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: number) => json(`${ROOT}/conversations/${id}`, { method: "DELETE" }),
    onSuccess: async (_, id) => {
      client.removeQueries({ queryKey: ["conversations", id] });
      await client.invalidateQueries({ queryKey: ["conversations", "list"] });
    },
  });
}

export function useFeedback(answerId: number) {
  return useMutation({
    mutationFn: ({ verdict, reason }: { verdict: Verdict; reason: string }) =>
      json(`${ROOT}/answers/${answerId}/feedback`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ verdict, ...(reason && { reason }) }),
      }),
  });
}
