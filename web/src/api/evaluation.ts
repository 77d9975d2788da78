import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, body } from "./client";
import type { EvaluationRun, QuestionToKeep } from "./types";

/** Runs tell nobody of their progress by themselves. */
const POLL_MS = 2_000;
/** After so long without a beginning, people are told that it may take a while. */
const LATE_MS = 60_000;

export function useQuestionSets() {
  return useQuery({
    queryKey: ["evaluation", "sets"],
    queryFn: ({ signal }) => body(api.GET("/api/v1/assistant/evaluation/sets", { signal })),
  });
}

export function useSetQuestions(setId: number) {
  return useInfiniteQuery({
    queryKey: ["evaluation", "questions", setId],
    queryFn: ({ signal, pageParam }) =>
      body(
        api.GET("/api/v1/assistant/evaluation/sets/{set_id}/questions", {
          signal,
          params: { path: { set_id: setId }, query: { after: pageParam } },
        }),
      ),
    initialPageParam: 0,
    getNextPageParam: (last) => last.next_after ?? undefined,
  });
}

export function useSharedQuestions() {
  return useInfiniteQuery({
    queryKey: ["evaluation", "shared"],
    queryFn: ({ signal, pageParam }) =>
      body(
        api.GET("/api/v1/assistant/evaluation/shared", { signal, params: { query: { after: pageParam } } }),
      ),
    initialPageParam: 0,
    getNextPageParam: (last) => last.next_after ?? undefined,
  });
}

export function useSearchWeights() {
  return useQuery({
    queryKey: ["evaluation", "weights"],
    queryFn: ({ signal }) => body(api.GET("/api/v1/assistant/evaluation/weights", { signal })),
  });
}

export function useWorstQuestions(runId: number) {
  return useQuery({
    queryKey: ["evaluation", "runs", runId],
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/v1/assistant/evaluation/runs/{run_id}/worst", {
          signal,
          params: { path: { run_id: runId } },
        }),
      ),
    refetchInterval: (query) => (query.state.data?.run.state === "running" ? POLL_MS : false),
  });
}

export interface Runs {
  readonly query: ReturnType<typeof useRuns>;
  readonly items: readonly EvaluationRun[];
  readonly running: EvaluationRun | null;
  readonly newestDone: EvaluationRun | null;
  readonly start: () => void;
  readonly startError: unknown;
  /** Asked for, or under way. */
  readonly isBusy: boolean;
  /** Asked for a while ago, and still not begun. */
  readonly isLate: boolean;
}

function useRuns(isWaiting: (items: readonly EvaluationRun[]) => boolean) {
  return useQuery({
    queryKey: ["evaluation", "runs"],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/assistant/evaluation/runs", { signal, params: { query: { limit: 30 } } })),
    refetchInterval: (query) => {
      const items = query.state.data?.items ?? [];
      return items[0]?.state === "running" || isWaiting(items) ? POLL_MS : false;
    },
  });
}

/** The newest runs, and a way to start one that is followed from the click to its end. */
export function useEvaluationRuns(): Runs {
  const client = useQueryClient();
  const [asked, setAsked] = useState<{ readonly afterId: number; readonly at: number } | null>(null);
  const waits = (items: readonly EvaluationRun[]) => asked !== null && (items[0]?.id ?? 0) <= asked.afterId;
  const query = useRuns(waits);
  const items = query.data?.items ?? [];
  const start = useMutation({
    mutationFn: () => body(api.POST("/api/v1/assistant/evaluation/runs")),
    onSuccess: async () => {
      setAsked({ afterId: items[0]?.id ?? 0, at: Date.now() });
      await client.invalidateQueries({ queryKey: ["evaluation", "runs"] });
    },
  });
  const isWaiting = start.isPending || waits(items);
  const running = items.find((run) => run.state === "running") ?? null;
  const isBusy = isWaiting || running !== null;
  const wasBusy = useRef(false);
  useEffect(() => {
    // What each set tells of itself is of the run that has just ended.
    if (wasBusy.current && !isBusy) void client.invalidateQueries({ queryKey: ["evaluation", "sets"] });
    wasBusy.current = isBusy;
  }, [client, isBusy]);
  return {
    query,
    items,
    running,
    newestDone: items.find((run) => run.state === "done") ?? null,
    start: () => start.mutate(),
    startError: start.error,
    isBusy,
    isLate: isWaiting && asked !== null && query.dataUpdatedAt - asked.at > LATE_MS,
  };
}

export interface SetWanted {
  readonly name: string;
  readonly asksModel: boolean;
  /** Whose rights its questions are asked with from now on; left as it is without. */
  readonly askerUserId?: number;
}

/** What is changed about sets and questions; every figure on the page may be another afterwards. */
export function useEvaluationSteps() {
  const client = useQueryClient();
  const onSuccess = () => client.invalidateQueries({ queryKey: ["evaluation"] });
  const makeSet = useMutation({
    mutationFn: (wanted: SetWanted) =>
      body(
        api.POST("/api/v1/assistant/evaluation/sets", {
          body: { name: wanted.name, asks_model: wanted.asksModel },
        }),
      ),
    onSuccess,
  });
  const changeSet = useMutation({
    mutationFn: ({ id, ...wanted }: { id: number; isActive?: boolean } & Partial<SetWanted>) =>
      body(
        api.PATCH("/api/v1/assistant/evaluation/sets/{set_id}", {
          params: { path: { set_id: id } },
          body: {
            ...(wanted.name !== undefined && { name: wanted.name }),
            ...(wanted.asksModel !== undefined && { asks_model: wanted.asksModel }),
            ...(wanted.askerUserId !== undefined && { asker_user_id: wanted.askerUserId }),
            ...(wanted.isActive !== undefined && { is_active: wanted.isActive }),
          },
        }),
      ),
    onSuccess,
  });
  const deleteSet = useMutation({
    mutationFn: (id: number) =>
      body(api.DELETE("/api/v1/assistant/evaluation/sets/{set_id}", { params: { path: { set_id: id } } })),
    onSuccess: async (_, id) => {
      client.removeQueries({ queryKey: ["evaluation", "questions", id] });
      await onSuccess();
    },
  });
  const addQuestion = useMutation({
    mutationFn: ({ setId, question }: { setId: number; question: QuestionToKeep }) =>
      body(
        api.POST("/api/v1/assistant/evaluation/sets/{set_id}/questions", {
          params: { path: { set_id: setId } },
          body: { questions: [question] },
        }),
      ),
    onSuccess,
  });
  const changeQuestion = useMutation({
    mutationFn: ({ id, question }: { id: number; question: QuestionToKeep }) =>
      body(
        api.PUT("/api/v1/assistant/evaluation/questions/{question_id}", {
          params: { path: { question_id: id } },
          body: question,
        }),
      ),
    onSuccess,
  });
  const deleteQuestion = useMutation({
    mutationFn: (id: number) =>
      body(
        api.DELETE("/api/v1/assistant/evaluation/questions/{question_id}", {
          params: { path: { question_id: id } },
        }),
      ),
    onSuccess,
  });
  const acceptQuestion = useMutation({
    mutationFn: ({ id, setId, question }: { id: number; setId: number; question: QuestionToKeep }) =>
      body(
        api.POST("/api/v1/assistant/evaluation/questions/{question_id}/accept", {
          params: { path: { question_id: id } },
          body: {
            set_id: setId,
            ...(question.expects && { expects: question.expects }),
            ...(question.expected && { expected: question.expected }),
          },
        }),
      ),
    onSuccess,
  });
  const importQuestions = useMutation({
    mutationFn: ({ setId, file }: { setId: number; file: File }) => {
      const form = new FormData();
      form.set("file", file);
      return body(
        api.POST("/api/v1/assistant/evaluation/sets/{set_id}/import", {
          params: { path: { set_id: setId } },
          // The generated type calls a file a string; the form goes out as it is.
          body: { file: file.name },
          bodySerializer: () => form,
        }),
      );
    },
    onSuccess,
  });
  return {
    makeSet,
    changeSet,
    deleteSet,
    addQuestion,
    changeQuestion,
    deleteQuestion,
    acceptQuestion,
    importQuestions,
  };
}
