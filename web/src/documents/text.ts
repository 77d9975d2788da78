/**
 * A document's text as blocks to show. The server counts places in characters (code points); JavaScript counts
 * UTF-16 units, in which 𠮷 and every emoji are two. All arithmetic with places happens here, in code points.
 */
export interface Piece {
  readonly text: string;
  readonly isCited: boolean;
}

export interface Block {
  /** Where it begins, in characters of the whole text. */
  readonly start: number;
  /** The page that begins with it, when one does. */
  readonly page: number | null;
  /** 1 to 6 for a heading, null for text. */
  readonly level: number | null;
  readonly pieces: readonly Piece[];
}

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Where the text under a path of headings begins, the outermost first. */
export interface HeadingPlace {
  readonly start: number;
  readonly headings: readonly string[];
}

interface TextWindow {
  readonly body: string;
  /** Where `body` begins in the whole text. */
  readonly start: number;
  readonly pageStarts: readonly number[];
  readonly headings: readonly HeadingPlace[];
  readonly cited: Range | null;
}

interface Line {
  readonly start: number;
  readonly characters: readonly string[];
}

/** The text cut at its lines, where pages begin, and round what is cited. */
export function layOut({ body, start, pageStarts, headings, cited }: TextWindow): Block[] {
  const lines = linesOf(body, start);
  const levels = levelsOf(lines, headings);
  const blocks: Block[] = [];
  let page = 0;
  while (page < pageStarts.length && (pageStarts[page] ?? 0) < start) page += 1;
  for (const line of lines) {
    const end = line.start + line.characters.length;
    let from = line.start;
    // A page may begin in the middle of a line: the line is cut there.
    for (;;) {
      let begins: number | null = null;
      while (page < pageStarts.length && (pageStarts[page] ?? 0) <= from) begins = ++page;
      const nextPage = pageStarts[page];
      const to = nextPage !== undefined && nextPage > from && nextPage < end ? nextPage : end;
      const text = line.characters.slice(from - line.start, to - line.start);
      const isEmpty = text.every((character) => character.trim() === "");
      if (!isEmpty || begins !== null)
        blocks.push({
          start: from,
          page: begins,
          level: levels.get(line.start) ?? null,
          pieces: isEmpty ? [] : cut(text, from, cited),
        });
      if (to === end) break;
      from = to;
    }
  }
  return blocks;
}

function linesOf(body: string, start: number): Line[] {
  let at = start;
  return body.split("\n").map((text) => {
    const line = { start: at, characters: [...text] };
    at += line.characters.length + 1;
    return line;
  });
}

/** Which lines are headings, by where they begin: those just above a place that bear one of its names. */
function levelsOf(lines: readonly Line[], places: readonly HeadingPlace[]): Map<number, number> {
  const numbers = new Map(lines.map((line, number) => [line.start, number]));
  const levels = new Map<number, number>();
  for (const place of places) {
    let number = numbers.get(place.start) ?? 0;
    for (let level = place.headings.length; level > 0; level -= 1) {
      let above = number - 1;
      while (above >= 0 && lines[above]?.characters.length === 0) above -= 1;
      const line = lines[above];
      // Long headings are cut in the path; the name of a table's columns stands in no line above.
      if (!line?.characters.join("").startsWith(place.headings[level - 1] ?? "")) continue;
      levels.set(line.start, level);
      number = above;
    }
  }
  return levels;
}

function cut(characters: readonly string[], start: number, cited: Range | null): Piece[] {
  const end = start + characters.length;
  if (!cited || cited.end <= start || cited.start >= end) return [piece(characters, false)].flat();
  const from = Math.max(cited.start, start) - start;
  const to = Math.min(cited.end, end) - start;
  return [
    piece(characters.slice(0, from), false),
    piece(characters.slice(from, to), true),
    piece(characters.slice(to), false),
  ].flat();
}

function piece(characters: readonly string[], isCited: boolean): Piece[] {
  return characters.length ? [{ text: characters.join(""), isCited }] : [];
}

/** The range in an address, "120-480"; null for anything else. */
export function readRange(text: string | null | undefined): Range | null {
  const found = /^(\d{1,9})-(\d{1,9})$/.exec(text ?? "");
  if (!found) return null;
  const [start, end] = [Number(found[1]), Number(found[2])];
  return start < end ? { start, end } : null;
}

export function writeRange({ start, end }: Range): string {
  return `${start}-${end}`;
}
