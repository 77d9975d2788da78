"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { uploadDocument, type UploadTerms } from "@/api/documents";
import type { Uploads } from "@/api/types";
import { ApiProblem } from "@/api/problem";
import { addFiles, type ChosenFile } from "./chosen-files";

export type SendState = "chosen" | "sending" | "accepted" | "failed" | "stopped";

export interface QueuedFile extends ChosenFile {
  readonly state: SendState;
  /** What came of it: one document, or those of an archive and what of it was not taken. */
  readonly made: Uploads | null;
  readonly error: unknown;
}

interface Queue {
  readonly files: readonly QueuedFile[];
  readonly skipped: number;
}

const EMPTY: Queue = { files: [], skipped: 0 };

/** Two at a time: one is on the line while the server looks at the other. */
const AT_ONCE = 2;
const MOST_TRIES = 3;

/** Sends files one by one, so that one that is refused spoils nothing for the others. */
export function useUploadQueue() {
  const client = useQueryClient();
  const [{ files, skipped }, setQueue] = useState<Queue>(EMPTY);
  const [isSending, setIsSending] = useState(false);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);

  function add(added: readonly { path: string; file: File }[]) {
    setQueue((now) => {
      const choice = addFiles(now.files, added);
      return {
        files: choice.files.map((one) => now.files.find((known) => known.path === one.path) ?? queued(one)),
        skipped: now.skipped + choice.skipped,
      };
    });
  }

  function setFiles(change: (files: Queue["files"]) => Queue["files"]) {
    setQueue((now) => ({ ...now, files: change(now.files) }));
  }

  function mark(path: string, change: Partial<QueuedFile>) {
    setFiles((now) => now.map((one) => (one.path === path ? { ...one, ...change } : one)));
  }

  async function send(terms: UploadTerms) {
    const ended = new AbortController();
    stop.current = ended;
    setIsSending(true);
    const waiting = files.filter((one) => one.problem === null && one.state !== "accepted");
    const sendOne = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const { path } = next;
        if (ended.signal.aborted) {
          mark(path, { state: "stopped" });
          continue;
        }
        mark(path, { state: "sending", error: null });
        try {
          const made = await patiently(() => uploadDocument(next, terms, ended.signal), ended.signal);
          mark(path, { state: "accepted", made });
        } catch (error) {
          mark(path, ended.signal.aborted ? { state: "stopped" } : { state: "failed", error });
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, sendOne));
    setIsSending(false);
    await client.invalidateQueries({ queryKey: ["documents"] });
  }

  return {
    files,
    skipped,
    isSending,
    add,
    remove: (path: string) => setFiles((now) => now.filter((one) => one.path !== path)),
    clear: () => setQueue(EMPTY),
    send,
    stop: () => stop.current?.abort(),
  };
}

function queued(one: ChosenFile): QueuedFile {
  return { ...one, state: "chosen", made: null, error: null };
}

/** Waits when the server asks for it: a folder of hundreds meets the rate limit. */
async function patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const seconds =
        error instanceof ApiProblem && error.status === 429 ? (error.retryAfterSeconds ?? 1) : null;
      if (seconds === null || tries >= MOST_TRIES || signal.aborted) throw error;
      await new Promise((go) => setTimeout(go, seconds * 1000));
    }
  }
}
