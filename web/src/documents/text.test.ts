import { describe, expect, it } from "vitest";
import { layOut, readRange } from "./text";

const NOTHING = { start: 0, pageStarts: [], headings: [], cited: null };
const shown = (blocks: ReturnType<typeof layOut>) =>
  blocks.map((block) =>
    block.pieces.map((piece) => (piece.isCited ? `[${piece.text}]` : piece.text)).join(""),
  );

describe("places in a text", () => {
  it("are counted in characters, not in UTF-16 units", () => {
    // As Python counts: 𠮷 and 🍣 are one each, が in two parts is two.
    const body = "𠮷野家🍣の規程は第3条が\u3099定める。";
    const start = [..."𠮷野家🍣の"].length;
    const cited = { start, end: start + [..."規程は"].length };
    expect(shown(layOut({ ...NOTHING, body, cited }))).toEqual(["𠮷野家🍣の[規程は]第3条が\u3099定める。"]);
    const sushi = { start: 3, end: 4 };
    expect(shown(layOut({ ...NOTHING, body, cited: sushi }))).toEqual([
      "𠮷野家[🍣]の規程は第3条が\u3099定める。",
    ]);
  });

  it("reach across paragraphs", () => {
    const blocks = layOut({ ...NOTHING, body: "一つ目\n\n二つ目\n三つ目", cited: { start: 2, end: 7 } });
    expect(shown(blocks)).toEqual(["一つ[目]", "[二つ]目", "三つ目"]);
    expect(blocks.map((block) => block.start)).toEqual([0, 5, 9]);
  });

  it("belong to the whole text, whatever part of it is at hand", () => {
    const blocks = layOut({ ...NOTHING, body: "cd\nef", start: 102, cited: { start: 100, end: 104 } });
    expect(shown(blocks)).toEqual(["[cd]", "ef"]);
    expect(shown(layOut({ ...NOTHING, body: "ab", start: 5, cited: { start: 7, end: 9 } }))).toEqual(["ab"]);
  });
});

describe("pages and headings", () => {
  it("begin where the server says, in the middle of a line too", () => {
    const blocks = layOut({ ...NOTHING, body: "頁一頁二\n頁三", pageStarts: [0, 2, 5] });
    expect(blocks.map((block) => [block.page, shown([block])[0]])).toEqual([
      [1, "頁一"],
      [2, "頁二"],
      [3, "頁三"],
    ]);
  });

  it("do not repeat pages that began before this part", () => {
    const blocks = layOut({ ...NOTHING, body: "abc", start: 10, pageStarts: [0, 4, 11] });
    expect(blocks.map((block) => block.page)).toEqual([null, 3]);
  });

  it("keep the number of a page that holds nothing", () => {
    const blocks = layOut({ ...NOTHING, body: "a\nb", pageStarts: [0, 2, 2] });
    expect(blocks.map((block) => block.page)).toEqual([1, 3]);
  });

  it("are headings where their names stand above the text that is under them", () => {
    const body = "規程\n\n第1章 総則\n\n第1条（目的）\n\n本文\n\n第2条\n\n本文\n\n列A | 列B\n1 | 2";
    const place = (text: string, ...path: string[]) => ({ start: body.indexOf(text), headings: path });
    const second = { start: body.lastIndexOf("本文"), headings: ["規程", "第1章 総則", "第2条"] };
    const blocks = layOut({
      ...NOTHING,
      body,
      headings: [
        place("本文", "規程", "第1章 総則", "第1条（目的）"),
        second,
        place("1 | 2", "規程", "第1章 総則", "第2条", "別の見出し"),
      ],
    });
    expect(blocks.map((block) => block.level)).toEqual([1, 2, 3, null, 3, null, null, null]);
  });

  it("stay text where only a part of them is at hand", () => {
    const headings = [{ start: 40, headings: ["第1章", "第1条"] }];
    const blocks = layOut({ ...NOTHING, body: "\n\n本文", start: 38, headings });
    expect(blocks.map((block) => block.level)).toEqual([null]);
  });
});

describe("a range in an address", () => {
  it("is two numbers in order and nothing else", () => {
    expect(readRange("12-40")).toEqual({ start: 12, end: 40 });
    for (const bad of [null, "", "12", "40-12", "5-5", "-1-4", "1-2-3", "a-b", "1-99999999999"])
      expect(readRange(bad)).toBeNull();
  });
});
