import { describe, expect, it } from "vitest";
import { type AnswerEvent } from "@/api/assistant";
import type { Citation, KeptAnswer } from "@/api/types";
import { citedIn, hear, inOrder, newTurn } from "./turn";

const citation = (number: number): Citation => ({
  number,
  document_id: 7,
  version_id: 9,
  title: "就業規則",
  headings: ["第4章 休暇", "第21条"],
  page: null,
  start_char: 100,
  end_char: 200,
  body_sha256: "0".repeat(64),
  quote: "年次有給休暇を与える。",
  quote_start: 120,
  quote_end: 131,
  effective_from: "2025-04-01",
  effective_to: null,
});
const META: AnswerEvent = {
  event: "meta",
  answer_id: 3,
  conversation_id: 2,
  mode: "model",
  searched_documents: 12,
  on: "2026-11-27",
};
const SENTENCE: AnswerEvent = { event: "sentence", text: "20日です。", citations: [2], is_supported: true };
const DONE: AnswerEvent = { event: "done", answer_id: 3, mode: "model", message: null };
const after = (...events: AnswerEvent[]) => events.reduce(hear, newTurn("有休は何日?", null));

describe("an answer that comes", () => {
  it("shows what is written until the checked sentences take its place", () => {
    const cited = { event: "citation" as const, ...citation(1) };
    const writing = after(META, cited, { event: "delta", text: "20日" }, { event: "delta", text: "です。" });
    expect(writing.draft).toBe("20日です。");
    const checked = [SENTENCE, DONE].reduce(hear, writing);
    expect(checked.draft).toBe("");
    expect(checked.sentences.map((one) => one.text)).toEqual(["20日です。"]);
    expect(checked.state).toBe("done");
    expect(checked.on).toBe("2026-11-27");
  });

  it("forgets what a model wrote when it was interrupted, and keeps the citations", () => {
    const cited = { event: "citation" as const, ...citation(1) };
    const turn = after(META, cited, { event: "delta", text: "うそ" }, { event: "interrupted" });
    expect([turn.draft, turn.sentences, turn.citations.length]).toEqual(["", [], 1]);
    const quoted = [SENTENCE, { ...DONE, mode: "quotes" as const, message: "途中で途切れました。" }].reduce<
      typeof turn
    >(hear, turn);
    expect([quoted.mode, quoted.message]).toEqual(["quotes", "途中で途切れました。"]);
  });

  it("passes over what a later release says", () => {
    const turn = after(META);
    expect(hear(turn, { event: "hint", text: "?" } as unknown as AnswerEvent)).toBe(turn);
  });

  it("names in the end only the places that its sentences rest on", () => {
    const cited = [1, 2, 3].map((number) => ({ event: "citation" as const, ...citation(number) }));
    const running = after(META, ...cited);
    expect(citedIn(running)).toHaveLength(3);
    const done = [SENTENCE, DONE].reduce(hear, running);
    expect(citedIn(done).map((one) => one.number)).toEqual([2]);
  });
});

describe("pages of a conversation", () => {
  it("are read from the first question on", () => {
    const page = (...ids: number[]) => ({ answers: ids.map((id) => ({ id }) as KeptAnswer) });
    expect(inOrder([page(5, 6), page(3, 4), page(1, 2)]).map((one) => one.id)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
