"use client";

import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { createContext, use, useEffect, useState, type ReactNode } from "react";
import { backOffMs, staleAfter, type LiveEventKind, LIVE_EVENTS } from "./events";

export type LiveState = "connecting" | "live" | "waiting";
const LiveContext = createContext<LiveState>("connecting");

export function useLiveState(): LiveState {
  return use(LiveContext);
}

/** Keeps pages fresh while the stream is up; without it they are as fresh as their last visit. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const [state, setState] = useState<LiveState>("connecting");
  const client = useQueryClient();
  useEffect(() => listen(client, setState), [client]);
  return <LiveContext value={state}>{children}</LiveContext>;
}

/** Opens the stream again after every loss, later each time; gives the function that stops it. */
function listen(client: QueryClient, setState: (state: LiveState) => void): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let hasBeenLost = false;

  function open() {
    source = new EventSource("/api/v1/events");
    source.onopen = () => {
      failures = 0;
      setState("live");
      // What happened while nobody listened is unknown: everything shown may be old.
      if (hasBeenLost) void client.invalidateQueries();
      hasBeenLost = false;
    };
    // The browser's own retry never backs off, and gives up for good on an HTTP error.
    source.onerror = () => {
      source?.close();
      hasBeenLost = true;
      setState("waiting");
      timer = setTimeout(open, backOffMs(failures++, Math.random()));
    };
    for (const kind of LIVE_EVENTS) source.addEventListener(kind, () => refresh(client, kind));
  }

  open();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}

function refresh(client: QueryClient, kind: LiveEventKind) {
  const keys = staleAfter(kind);
  if (keys === "everything") void client.invalidateQueries();
  else for (const key of keys) void client.invalidateQueries({ queryKey: [key] });
}
