import { type AnswerEvent } from "@/api/assistant";
import type { AnswerMode, Citation, KeptAnswer, PeopleAnswer, Sentence, Verdict } from "@/api/types";

/** Where an answer stands. `stopped`: by the reader. `broken`: the line was lost. `failed`: with a problem. */
export type TurnState = "asking" | "answering" | "done" | "stopped" | "broken" | "failed";

/** A question and as much of its answer as is known. */
export interface Turn {
  readonly question: string;
  /** The day that was asked about; null for today, until the server says which day that is. */
  readonly on: string | null;
  readonly state: TurnState;
  readonly answerId: number | null;
  readonly conversationId: number | null;
  readonly mode: AnswerMode | null;
  /** Why the answer is as it is, in the reader's words. */
  readonly message: string | null;
  readonly model: string | null;
  readonly searchedDocuments: number | null;
  readonly citations: readonly Citation[];
  /** What a model writes, before it was checked. */
  readonly draft: string;
  readonly sentences: readonly Sentence[];
  readonly people: PeopleAnswer | null;
  readonly hidden: number;
  readonly verdict: Verdict | null;
  readonly error: unknown;
}

export function newTurn(question: string, on: string | null): Turn {
  return {
    question,
    on,
    state: "asking",
    answerId: null,
    conversationId: null,
    mode: null,
    message: null,
    model: null,
    searchedDocuments: null,
    citations: [],
    draft: "",
    sentences: [],
    people: null,
    hidden: 0,
    verdict: null,
    error: null,
  };
}

/** The turn after one more event. */
export function hear(turn: Turn, heard: AnswerEvent): Turn {
  switch (heard.event) {
    case "meta":
      return {
        ...turn,
        state: "answering",
        answerId: heard.answer_id,
        conversationId: heard.conversation_id,
        mode: heard.mode,
        message: heard.message ?? null,
        searchedDocuments: heard.searched_documents,
        on: heard.on,
      };
    case "citation":
      return { ...turn, citations: [...turn.citations, heard] };
    case "delta":
      return { ...turn, draft: turn.draft + heard.text };
    case "sentence":
      // Checked sentences take the place of what was written.
      return { ...turn, draft: "", sentences: [...turn.sentences, heard] };
    case "people":
      return { ...turn, people: heard };
    case "usage":
      return { ...turn, model: heard.model ?? null };
    case "interrupted":
      // What was shown is void; the citations stay.
      return { ...turn, draft: "", sentences: [], message: heard.message ?? turn.message };
    case "done":
      return {
        ...turn,
        state: "done",
        draft: "",
        answerId: heard.answer_id,
        mode: heard.mode,
        message: heard.message ?? null,
      };
    default:
      return turn;
  }
}

/** The turn of an answer that was kept. */
export function turnOf(kept: KeptAnswer): Turn {
  return {
    ...newTurn(kept.question, kept.asked_on),
    state: kept.state === "done" ? "done" : "broken",
    answerId: kept.id,
    mode: kept.mode,
    searchedDocuments: kept.searched_documents,
    citations: kept.citations,
    sentences: kept.sentences,
    people: kept.people,
    hidden: kept.hidden,
    verdict: kept.verdict,
  };
}

/** All answers in the order in which they were asked; pages come the last answers first. */
export function inOrder(pages: readonly { readonly answers: readonly KeptAnswer[] }[]): KeptAnswer[] {
  return [...pages].reverse().flatMap((page) => page.answers);
}

export function isRunning(turn: Turn | undefined): boolean {
  return turn?.state === "asking" || turn?.state === "answering";
}

/** The citations that the answer uses, by their numbers; all that were found while it is not whole. */
export function citedIn(turn: Turn): readonly Citation[] {
  if (isRunning(turn) || !turn.sentences.length) return turn.citations;
  const used = new Set(turn.sentences.flatMap((sentence) => sentence.citations));
  return turn.citations.filter((citation) => used.has(citation.number));
}
