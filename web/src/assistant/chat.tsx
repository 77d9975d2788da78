"use client";

import { useTranslations } from "next-intl";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useConversation } from "@/api/assistant";
import type { Citation } from "@/api/types";
import { useAsOf } from "@/time/use-as-of";
import { Button } from "@/ui/button";
import { cn } from "@/ui/cn";
import { ErrorState, SkeletonRows } from "@/ui/states";
import { QuestionBox } from "./question-box";
import { SourcePanel } from "./source-panel";
import { Suggestions } from "./suggestions";
import { citedIn, inOrder, turnOf, type Turn } from "./turn";
import { TurnView } from "./turn-view";
import { useTurns } from "./use-turns";

interface ChatProps {
  /** The conversation that was there before; null for a new one. */
  openedId: number | null;
  onBegin: (conversationId: number) => void;
  /** There is room for a source beside its answer. */
  isWide: boolean;
  /** What stands beside the answers while no source is open. */
  history: ReactNode;
}

export function Chat({ openedId, onBegin, isWide, history }: ChatProps) {
  const t = useTranslations("assistant");
  const { on } = useAsOf();
  const kept = useConversation(openedId);
  const live = useTurns();
  const [source, setSource] = useState<Citation | null>(null);
  const conversationId = live.turns.findLast((turn) => turn.conversationId)?.conversationId ?? openedId;
  useBegun(conversationId, openedId, onBegin);

  const known = new Set(live.turns.map((turn) => turn.answerId));
  const before = inOrder(kept.data?.pages ?? [])
    .filter((one) => !known.has(one.id))
    .map(turnOf);
  const hasTurns = before.length + live.turns.length > 0 || openedId !== null;
  const show = isWide ? setSource : null;
  const last = live.turns.length - 1;
  return (
    <div className="gap-6 lg:grid lg:grid-cols-[minmax(0,1fr)_22rem] xl:grid-cols-[minmax(0,1fr)_25rem]">
      <div className="flex min-h-[60dvh] min-w-0 flex-col">
        <div className="flex-1 space-y-8 pb-6">
          {openedId !== null && kept.isPending && (
            <div className="card">
              <SkeletonRows rows={3} />
            </div>
          )}
          {kept.isError && (
            <div className="card">
              <ErrorState error={kept.error} onRetry={() => void kept.refetch()} />
            </div>
          )}
          {!hasTurns && <Suggestions onAsk={(question) => void live.ask(question, on, null)} />}
          {kept.hasNextPage && (
            <div className="text-center">
              <Button size="small" onClick={() => void kept.fetchNextPage()} isBusy={kept.isFetchingNextPage}>
                {t("earlier")}
              </Button>
            </div>
          )}
          {before.map((turn) => (
            <TurnView key={turn.answerId} turn={turn} shown={source} onSource={show} />
          ))}
          {live.turns.map((turn, place) => (
            <LiveTurn key={place} isLast={place === last} isFirst={before.length + place === 0}>
              <TurnView
                turn={turn}
                shown={source}
                onSource={show}
                onAgain={place === last ? () => live.retry(conversationId) : undefined}
              />
            </LiveTurn>
          ))}
        </div>
        <QuestionBox
          isFirst={!hasTurns}
          isRunning={live.isRunning}
          onAsk={(question) => void live.ask(question, on, conversationId)}
          onStop={live.stop}
        />
        <Progress turn={live.turns.at(-1)} />
      </div>
      <div className={cn("max-lg:hidden", !isWide && "hidden")}>
        {source ? <SourcePanel citation={source} onClose={() => setSource(null)} /> : history}
      </div>
    </div>
  );
}

/** Tells the page once that a conversation began, so that its address can name it. */
function useBegun(id: number | null, openedId: number | null, onBegin: (id: number) => void) {
  const told = useRef(openedId);
  useEffect(() => {
    if (id === null || told.current === id) return;
    told.current = id;
    onBegin(id);
  }, [id, onBegin]);
}

interface LiveTurnProps {
  isFirst: boolean;
  isLast: boolean;
  children: ReactNode;
}

/** Brings a question to the top once, when it was asked; what follows never moves the page by itself. */
function LiveTurn({ isFirst, isLast, children }: LiveTurnProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isLast) place.current?.scrollIntoView({ block: "start", behavior: "smooth" });
    // Only when it appears.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  return (
    // The newest needs room below it, or it could not stand at the top.
    <div ref={place} className={cn("scroll-mt-20", isLast && !isFirst && "min-h-[calc(100dvh-17rem)]")}>
      {children}
    </div>
  );
}

/** What screen readers hear of an answer on its way; the sentences themselves are read as they come. */
function Progress({ turn }: { turn: Turn | undefined }) {
  const t = useTranslations("assistant");
  const says = !turn
    ? ""
    : turn.state === "asking"
      ? t("asking")
      : turn.state === "answering"
        ? t("writing")
        : turn.state === "stopped"
          ? t("stopped")
          : turn.state === "done"
            ? t("finished", { count: turn.mode === "not_found" ? 0 : citedIn(turn).length })
            : "";
  return (
    <p role="status" className="sr-only">
      {says}
    </p>
  );
}
