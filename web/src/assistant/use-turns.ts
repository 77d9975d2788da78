"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { ask } from "@/api/assistant";
import { StreamLost } from "@/api/event-stream";
import { hear, isRunning, newTurn, type Turn } from "./turn";

/** The turns that were asked on this page, and the means to ask, to stop and to ask again. */
export function useTurns() {
  const client = useQueryClient();
  const [turns, setTurns] = useState<readonly Turn[]>([]);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  function change(place: number, next: (turn: Turn) => Turn) {
    setTurns((now) => now.map((turn, at) => (at === place ? next(turn) : turn)));
  }

  async function run(place: number, turn: Turn, conversationId: number | null) {
    running.current?.abort();
    const stop = new AbortController();
    running.current = stop;
    try {
      for await (const heard of ask({ question: turn.question, conversationId, on: turn.on }, stop.signal)) {
        if (stop.signal.aborted) break;
        change(place, (now) => hear(now, heard));
      }
    } catch (error) {
      if (!stop.signal.aborted)
        change(place, (now) => ({ ...now, state: error instanceof StreamLost ? "broken" : "failed", error }));
    }
    if (running.current === stop) running.current = null;
    await client.invalidateQueries({ queryKey: ["conversations", "list"] });
  }

  return {
    turns,
    isRunning: isRunning(turns.at(-1)),
    ask(question: string, on: string | null, conversationId: number | null) {
      const turn = newTurn(question, on);
      setTurns((now) => [...now, turn]);
      return run(turns.length, turn, conversationId);
    },
    /** Asks the last question again, in the place of what came of it. */
    retry(conversationId: number | null) {
      const last = turns.at(-1);
      if (!last) return;
      const turn = newTurn(last.question, last.on);
      change(turns.length - 1, () => turn);
      void run(turns.length - 1, turn, conversationId);
    },
    stop() {
      running.current?.abort();
      change(turns.length - 1, (now) => (isRunning(now) ? { ...now, state: "stopped" } : now));
    },
  };
}
