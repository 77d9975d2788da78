"use client";

import { RotateCw, Sparkles, TextQuote, UsersRound, SearchX, type LucideIcon } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import type { AnswerMode, Citation } from "@/api/types";
import { useSession } from "@/api/session";
import { longDay } from "@/time/format";
import { Badge, type Tone } from "@/ui/badge";
import { Button } from "@/ui/button";
import { ErrorNote } from "@/ui/states";
import { AnswerText } from "./answer-text";
import { FeedbackBar } from "./feedback-bar";
import { PeopleFoundList } from "./people-found";
import { SourceList } from "./source-list";
import { citedIn, isRunning, type Turn } from "./turn";

interface TurnViewProps {
  turn: Turn;
  /** The source that stands open beside the answers. */
  shown: Citation | null;
  /** Opens a source beside the answer; null where a page of its own is used. */
  onSource: ((citation: Citation) => void) | null;
  onAgain?: (() => void) | undefined;
}

/** One question with its answer. All of an answer is plain text: its only links are our own. */
export function TurnView({ turn, shown, onSource, onAgain }: TurnViewProps) {
  const t = useTranslations("assistant");
  const isOn = isRunning(turn);
  const cited = citedIn(turn);
  const hasText = turn.sentences.length > 0 || turn.draft !== "";
  return (
    <article aria-label={turn.question} aria-busy={isOn || undefined}>
      <Asked turn={turn} />
      <div className="card mt-3 px-4 py-4 sm:px-6 sm:py-5">
        <h3 className="sr-only">{t("answer")}</h3>
        {turn.mode ? <ModeBanner turn={turn} mode={turn.mode} /> : isOn && <Searching />}
        {hasText && <AnswerText turn={turn} shown={shown} onSource={onSource} />}
        {turn.mode === "not_found" && !isOn && (
          <p className="mt-2 text-sm text-soft">{t("modeHelp.not_found")}</p>
        )}
        {turn.people && <PeopleFoundList found={turn.people} />}
        {turn.hidden > 0 && (
          <p className="mt-3 text-sm text-faint">{hasText ? t("hidden") : t("nothingLeft")}</p>
        )}
        {turn.mode !== "not_found" && cited.length > 0 && (
          <SourceList citations={cited} shown={shown} onSource={onSource} />
        )}
        <Ended turn={turn} onAgain={onAgain} />
        {turn.answerId !== null && turn.state === "done" && (
          <FeedbackBar key={turn.answerId} answerId={turn.answerId} given={turn.verdict} />
        )}
      </div>
    </article>
  );
}

function Asked({ turn }: { turn: Turn }) {
  const t = useTranslations("assistant");
  const locale = useLocale();
  const { today } = useSession().tenant;
  return (
    <div className="ml-auto w-fit max-w-[85%] rounded-2xl rounded-br-md bg-pine px-4 py-2.5 text-on-pine">
      <h2 className="text-[0.9375rem] break-words whitespace-pre-wrap">
        <span className="sr-only">{t("you")}: </span>
        {turn.question}
      </h2>
      {turn.on !== null && turn.on !== today && (
        <p className="mt-0.5 text-xs opacity-85">{t("askedOn", { date: longDay(turn.on, locale) })}</p>
      )}
    </div>
  );
}

function Searching() {
  const t = useTranslations("assistant");
  return (
    <p className="flex items-center gap-2 text-sm text-soft">
      <span aria-hidden className="size-2 animate-ping rounded-full bg-pine" />
      {t("asking")}
    </p>
  );
}

const MODES: Record<AnswerMode, { icon: LucideIcon; tone: Tone }> = {
  model: { icon: Sparkles, tone: "future" },
  quotes: { icon: TextQuote, tone: "today" },
  people: { icon: UsersRound, tone: "today" },
  not_found: { icon: SearchX, tone: "neutral" },
};

/** Who speaks here, so that nobody takes a model's words for the company's, or quotes for an answer. */
function ModeBanner({ turn, mode }: { turn: Turn; mode: AnswerMode }) {
  const t = useTranslations("assistant");
  const { icon: Icon, tone } = MODES[mode];
  const isDraft = turn.state !== "done" && mode === "model";
  const says = isDraft
    ? isRunning(turn)
      ? turn.draft
        ? t("checking")
        : t("writing")
      : turn.draft && t("unchecked")
    : (turn.message ?? (mode === "not_found" ? null : t(`modeHelp.${mode}`)));
  return (
    <div className="mb-3">
      <p className="flex flex-wrap items-center gap-x-2 gap-y-1 text-xs text-faint">
        <Badge tone={tone}>
          <Icon aria-hidden />
          {t(`mode.${mode}`)}
        </Badge>
        {turn.model && <span>{t("byModel", { model: turn.model })}</span>}
        {turn.searchedDocuments !== null && mode !== "people" && (
          <span>{t("searched", { count: turn.searchedDocuments })}</span>
        )}
      </p>
      {says && <p className="mt-1.5 text-[0.8125rem] text-soft">{says}</p>}
    </div>
  );
}

/** How an answer ended that did not end well, and the way to try again. */
function Ended({ turn, onAgain }: { turn: Turn; onAgain: (() => void) | undefined }) {
  const t = useTranslations("assistant");
  if (turn.state !== "stopped" && turn.state !== "broken" && turn.state !== "failed") return null;
  return (
    <div className="mt-2">
      {turn.state === "failed" ? (
        <ErrorNote error={turn.error} />
      ) : (
        <p role={turn.state === "broken" ? "alert" : undefined} className="text-sm text-soft">
          <span className="font-medium text-ink">{t(turn.state)}</span>
          {turn.state === "broken" && <span className="ml-1.5">{t("brokenHelp")}</span>}
        </p>
      )}
      {onAgain && (
        <Button size="small" className="mt-3" onClick={onAgain}>
          <RotateCw aria-hidden />
          {t("again")}
        </Button>
      )}
    </div>
  );
}
