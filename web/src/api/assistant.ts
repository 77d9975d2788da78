import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body as bodyOf, send } from "./client";
import { readEvents, StreamLost } from "./event-stream";
import { ApiProblem, type FieldProblem } from "./problem";
import type { AnswerMode, Citation, PeopleAnswer, Sentence, Verdict } from "./types";

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
  const request = new Request(`${location.origin}/api/v1/assistant/questions`, {
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

export function useConversations() {
  return useInfiniteQuery({
    queryKey: ["conversations", "list"],
    queryFn: ({ signal, pageParam }) =>
      bodyOf(
        api.GET("/api/v1/assistant/conversations", {
          signal,
          params: { query: { limit: 20, ...(pageParam && { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
}

/** The last answers first, page by page back; within a page in the order in which they were asked. */
export function useConversation(id: number | null) {
  return useInfiniteQuery({
    queryKey: ["conversations", id ?? 0],
    queryFn: ({ signal, pageParam }) =>
      bodyOf(
        api.GET("/api/v1/assistant/conversations/{conversation_id}", {
          signal,
          params: {
            path: { conversation_id: id ?? 0 },
            query: { limit: 20, ...(pageParam && { cursor: pageParam }) },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    enabled: id !== null,
    // What is asked meanwhile is on the page already.
    staleTime: Infinity,
    refetchOnMount: "always",
  });
}

export function useDeleteConversation() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: number) =>
      bodyOf(
        api.DELETE("/api/v1/assistant/conversations/{conversation_id}", {
          params: { path: { conversation_id: id } },
        }),
      ),
    onSuccess: async (_, id) => {
      client.removeQueries({ queryKey: ["conversations", id] });
      await client.invalidateQueries({ queryKey: ["conversations", "list"] });
    },
  });
}

export function useFeedback(answerId: number) {
  return useMutation({
    mutationFn: ({ verdict, reason, isShared }: { verdict: Verdict; reason: string; isShared: boolean }) =>
      bodyOf(
        api.POST("/api/v1/assistant/answers/{answer_id}/feedback", {
          params: { path: { answer_id: answerId } },
          body: { verdict, ...(reason && { reason }), ...(isShared && { share: true }) },
        }),
      ),
  });
}
