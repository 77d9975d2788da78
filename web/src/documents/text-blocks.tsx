"use client";

import { useTranslations } from "next-intl";
import { Fragment, useEffect, useRef } from "react";
import type { DocumentText } from "@/api/types";
import { cn } from "@/ui/cn";
import { layOut, type Block, type Range } from "./text";

interface TextBlocksProps {
  text: DocumentText;
  cited: Range | null;
  /** How the cited words are brought into view when they appear. */
  scrolls: "center" | "nearest" | null;
  /** The level of the heading that the text stands under. */
  topLevel?: number;
}

/** A part of a document as plain text: nothing in it becomes a link or a picture, whatever it says. */
export function TextBlocks({ text, cited, scrolls, topLevel = 1 }: TextBlocksProps) {
  const t = useTranslations("documents");
  const first = useRef<HTMLElement | null>(null);
  const blocks = layOut({
    body: text.body,
    start: text.start,
    pageStarts: text.page_starts,
    headings: text.headings,
    cited,
  });
  useEffect(() => {
    if (scrolls) first.current?.scrollIntoView({ block: scrolls });
  }, [scrolls, cited?.start, cited?.end]);

  const levels = shownLevels(blocks, topLevel);
  const firstCited = blocks.findIndex((block) => block.pieces.some((piece) => piece.isCited));
  if (!blocks.length) return <p className="py-6 text-sm text-faint">{t("emptyText")}</p>;
  return (
    <div className="text-[0.9375rem] leading-[1.95] break-words">
      {blocks.map((block, place) => (
        <Fragment key={block.start}>
          {block.page !== null && <PageMark page={block.page} />}
          <BlockText
            block={block}
            shownLevel={levels[place] ?? null}
            markRef={place === firstCited ? first : null}
          />
        </Fragment>
      ))}
    </div>
  );
}

function PageMark({ page }: { page: number }) {
  const t = useTranslations("documents");
  return (
    <p className="my-4 flex items-center gap-3 text-xs text-faint select-none first:mt-0">
      <span className="tabular">{t("page", { page })}</span>
      <span aria-hidden className="h-px flex-1 bg-line" />
    </p>
  );
}

const HEADINGS = [
  "mt-6 mb-2 font-serif text-lg font-semibold",
  "mt-6 mb-1.5 font-serif text-base font-semibold",
  "mt-5 mb-1 font-semibold",
] as const;

/** A part may begin deep inside a document: screen readers hear levels without a gap all the same. */
function shownLevels(blocks: readonly Block[], topLevel: number): (number | null)[] {
  let before = topLevel;
  return blocks.map(({ level }) => {
    if (level === null) return null;
    before = Math.min(level + topLevel, before + 1, 6);
    return before;
  });
}

interface BlockTextProps {
  block: Block;
  shownLevel: number | null;
  /** Where to keep the first cited words. */
  markRef: React.RefObject<HTMLElement | null> | null;
}

function BlockText({ block, shownLevel, markRef }: BlockTextProps) {
  const t = useTranslations("documents");
  if (!block.pieces.length) return null;
  const pieces = block.pieces.map((piece, place) => {
    if (!piece.isCited) return piece.text;
    // A block holds one cited piece at most.
    return (
      <mark
        key={place}
        {...(markRef !== null && { ref: markRef, id: "cited", "aria-label": t("cited") })}
        className="scroll-my-24 rounded-sm bg-past-tint box-decoration-clone px-0.5 text-ink shadow-[inset_0_-2px_0_var(--color-past)]"
      >
        {piece.text}
      </mark>
    );
  });
  if (block.level === null || shownLevel === null)
    return <p className="mb-2 whitespace-pre-wrap">{pieces}</p>;
  const Heading = (["h2", "h3", "h4", "h5", "h6"] as const)[shownLevel - 2] ?? "h6";
  return <Heading className={cn(HEADINGS[Math.min(block.level, 3) - 1])}>{pieces}</Heading>;
}
