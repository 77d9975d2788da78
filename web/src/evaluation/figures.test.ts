import { describe, expect, it } from "vitest";
import type { EvaluationFigure, WorstQuestion } from "@/api/types";
import { byLanguage, changeOf, placeInFile, sharesOf, troubleOf, valueText } from "./figures";

const figure = (measure: EvaluationFigure["measure"], more: Partial<EvaluationFigure> = {}) => ({
  language: "ja" as const,
  measure,
  counted: 10,
  value: 0.875,
  compared: 8,
  lost: 0,
  ...more,
});
const worst = (more: Partial<WorstQuestion>): WorstQuestion => ({
  question_id: 1,
  set_id: 1,
  question: "有給は何日",
  language: "ja",
  expects: "found",
  place: 1,
  mode: "quotes",
  problem: "",
  sentences: 1,
  supported: 1,
  expected: [],
  came: [],
  ...more,
});

describe("figures of a run", () => {
  it("are shown by language in one order, without those that tell little", () => {
    const found = byLanguage([
      figure("supported"),
      figure("first"),
      figure("hit"),
      figure("mrr", { language: "en" }),
    ]);
    expect(found.map((one) => [one.language, one.figures.map((each) => each.measure)])).toEqual([
      ["ja", ["hit", "supported"]],
      ["en", ["mrr"]],
    ]);
  });

  it("are shares of a hundred, but for the mean of places", () => {
    expect(valueText(figure("hit"), "ja")).toBe("87.5%");
    expect(valueText(figure("mrr"), "en")).toBe("0.88");
  });

  it("got better where less was lost, and are the same where nothing would be seen", () => {
    expect(changeOf(figure("hit", { lost: -0.0151 }), "en")).toEqual({ direction: "better", text: "+1.5" });
    expect(changeOf(figure("mrr", { lost: 0.02 }), "en")).toEqual({ direction: "worse", text: "-0.02" });
    expect(changeOf(figure("hit", { lost: 0.0001 }), "en")).toEqual({ direction: "same", text: "0.0" });
    expect(changeOf(figure("hit", { lost: null }), "en")).toBeNull();
  });
});

describe("what went wrong", () => {
  it.each([
    [{ mode: "failed" as const, place: null }, "failed"],
    [{ place: null }, "missed"],
    [{ place: null, mode: "not_found" as const }, "missed"],
    [{ expects: "not_found" as const, place: null }, "answered"],
    [{ place: 1, mode: "not_found" as const }, "silent"],
    [{ place: 3, supported: 0 }, "unsupported"],
    [{ place: 3 }, "low"],
  ])("%o is %s", (more, trouble) => {
    expect(troubleOf(worst(more))).toBe(trouble);
  });
});

describe("weights", () => {
  it("are shares whose sum is a hundred", () => {
    expect(sharesOf({ terms: 0.4, grams: 0.1, dense: 0.6 })).toEqual({ terms: 36, grams: 9, dense: 55 });
    expect(sharesOf({ terms: 1, grams: 1, dense: 1 })).toEqual({ terms: 34, grams: 33, dense: 33 });
  });
});

describe("a place in a file", () => {
  it("is a line of a table, or a question counted from one", () => {
    expect(placeInFile("rows.5.question")).toEqual({ kind: "line", number: 5 });
    expect(placeInFile("questions.2.expected.0.document")).toEqual({ kind: "question", number: 3 });
    expect(placeInFile("file")).toBeNull();
  });
});
