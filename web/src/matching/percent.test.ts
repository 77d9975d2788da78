import { expect, test } from "vitest";
import { isSure, percentOf } from "./percent";

test.each([
  [0, 0],
  [0.0004, 1],
  [0.505, 51],
  [0.994, 99],
  [0.99996, 99],
  [1, 99],
])("a score of %f is read as %i %%", (score, percent) => {
  expect(percentOf(score)).toBe(percent);
});

test("a skill that the model is not sure of is not shown as one", () => {
  expect([0, 0.499, 0.5, 1].map(isSure)).toEqual([false, false, true, true]);
});
