"use client";

import { TriangleAlert } from "lucide-react";
import { useTranslations } from "next-intl";
import type { Citation, Sentence } from "@/api/types";
import { cn } from "@/ui/cn";
import { CitationLink, isSame } from "./citation-link";
import { isRunning, type Turn } from "./turn";

interface AnswerTextProps {
  turn: Turn;
  shown: Citation | null;
  onSource: ((citation: Citation) => void) | null;
}

/** The checked sentences with the numbers of their places, or what is being written before it was checked. */
export function AnswerText({ turn, shown, onSource }: AnswerTextProps) {
  const t = useTranslations("assistant");
  if (turn.draft)
    // Hidden from screen readers, which would hear every syllable, and then all of it again.
    return (
      <p aria-hidden className="leading-[1.9] break-words whitespace-pre-wrap text-soft">
        {turn.draft}
      </p>
    );
  const isQuoting = turn.mode === "quotes";
  const hasUnsupported = turn.sentences.some((sentence) => !sentence.is_supported);
  return (
    <div aria-live={isRunning(turn) ? "polite" : undefined}>
      <div className={cn("leading-[1.9] break-words whitespace-pre-wrap", isQuoting && "space-y-3")}>
        {turn.sentences.map((sentence, place) => (
          <SentenceText
            key={place}
            sentence={sentence}
            citations={turn.citations}
            isQuote={isQuoting}
            shown={shown}
            onSource={onSource}
          />
        ))}
      </div>
      {hasUnsupported && (
        <p className="mt-3 flex items-start gap-2 rounded-lg bg-past-tint px-3 py-2 text-[0.8125rem] text-past-ink">
          <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
          {t("unsupportedHelp")}
        </p>
      )}
    </div>
  );
}

interface SentenceTextProps {
  sentence: Sentence;
  citations: readonly Citation[];
  isQuote: boolean;
  shown: Citation | null;
  onSource: ((citation: Citation) => void) | null;
}

function SentenceText({ sentence, citations, isQuote, shown, onSource }: SentenceTextProps) {
  const t = useTranslations("assistant");
  const chips = sentence.citations
    .map((number) => citations.find((citation) => citation.number === number))
    .filter((citation) => citation !== undefined);
  const Element = isQuote ? "blockquote" : "span";
  return (
    <Element className={cn(isQuote && "border-l-3 border-pine-line pl-4")}>
      {sentence.is_supported ? (
        sentence.text
      ) : (
        <span className="bg-past-tint decoration-past decoration-wavy underline-offset-4 [text-decoration-line:underline]">
          {sentence.text}
          <span className="ml-1 rounded bg-past px-1 py-px text-[0.6875rem] font-medium whitespace-nowrap text-[#2b1d00] no-underline">
            {t("unsupported")}
          </span>
        </span>
      )}
      {chips.map((citation) => (
        <Chip
          key={citation.number}
          citation={citation}
          isShown={isSame(citation, shown)}
          onSource={onSource}
        />
      ))}{" "}
    </Element>
  );
}

interface ChipProps {
  citation: Citation;
  isShown: boolean;
  onSource: ((citation: Citation) => void) | null;
}

function Chip({ citation, isShown, onSource }: ChipProps) {
  const t = useTranslations("assistant");
  return (
    <CitationLink
      citation={citation}
      isShown={isShown}
      onSource={onSource}
      label={t("citation", { number: citation.number, title: citation.title })}
      className={cn(
        "tabular mx-0.5 inline-grid h-5.5 min-w-5.5 place-items-center rounded-full px-1.5 align-[0.1em] text-xs leading-none font-semibold",
        isShown ? "bg-pine text-on-pine" : "bg-pine-tint text-pine-deep hover:bg-pine-line",
      )}
    >
      {citation.number}
    </CitationLink>
  );
}
