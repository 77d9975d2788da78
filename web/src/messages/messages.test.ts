import { describe, expect, it } from "vitest";

import * as en from "./en";
import * as ja from "./ja";

/** Every path to a text, with the arguments that the text takes. */
function texts(catalogue: object, above = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(catalogue)) {
    const path = above ? `${above}.${key}` : key;
    if (typeof value === "string") found.set(path, value);
    else for (const [inner, text] of texts(value as object, path)) found.set(inner, text);
  }
  return found;
}

function argumentsOf(text: string): string[] {
  // What a plural says is no argument, though it stands in braces too.
  const plain = text.replace(/(?:=\d+|\bone|\bother) \{[^{}]*\}/g, "");
  return [...new Set([...plain.matchAll(/\{(\w+)[,}]/g)].map((match) => match[1] ?? ""))].sort();
}

const japanese = texts(ja);
const english = texts(en);

describe("the two catalogues", () => {
  it("hold the same keys", () => {
    expect([...english.keys()].sort()).toEqual([...japanese.keys()].sort());
  });

  it("are written in their own language", () => {
    const KANA_OR_KANJI = /[぀-ヿ㐀-鿿]/;
    const foreign = [...english].filter(([, text]) => KANA_OR_KANJI.test(text)).map(([path]) => path);
    expect(foreign).toEqual([]);
  });

  it("take no argument that the Japanese text does not know", () => {
    const unknown = [...english].flatMap(([path, text]) => {
      const known = argumentsOf(japanese.get(path) ?? "");
      return argumentsOf(text)
        .filter((name) => !known.includes(name))
        .map((name) => `${path}: ${name}`);
    });
    expect(unknown).toEqual([]);
  });
});
