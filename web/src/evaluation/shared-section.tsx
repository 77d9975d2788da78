"use client";

import { ThumbsDown, ThumbsUp } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useState } from "react";
import { useEvaluationSteps, useSharedQuestions } from "@/api/evaluation";
import { useSession } from "@/api/session";
import type { EvaluationQuestion, QuestionSet } from "@/api/types";
import { moment } from "@/time/format";
import { Button } from "@/ui/button";
import { Section } from "@/ui/page";
import { ErrorNote, ErrorState } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { AcceptDialog } from "./question-dialog";

interface SharedSectionProps {
  sets: readonly QuestionSet[];
  mayKeep: boolean;
}

/** Questions that wait for HR; nothing at all while none does. */
export function SharedSection({ sets, mayKeep }: SharedSectionProps) {
  const t = useTranslations("evaluation");
  const common = useTranslations("common");
  const shared = useSharedQuestions();
  const [accepting, setAccepting] = useState<EvaluationQuestion | null>(null);
  const items = shared.data?.pages.flatMap((page) => page.items) ?? [];
  if (shared.isError)
    return (
      <Section title={t("shared")}>
        <ErrorState error={shared.error} onRetry={() => void shared.refetch()} />
      </Section>
    );
  if (items.length === 0) return null;
  return (
    <Section title={t("shared")} bodyClassName="p-0 py-0 sm:px-0">
      <p className="px-4 pt-3 text-sm text-soft sm:px-5">
        {t("sharedLead")} {mayKeep && sets.length === 0 && t("takeNoSet")}
      </p>
      <ul aria-label={t("shared")} className="divide-y divide-line">
        {items.map((question) => (
          <li key={question.id}>
            <SharedRow
              question={question}
              mayKeep={mayKeep}
              onAccept={sets.length > 0 ? () => setAccepting(question) : null}
            />
          </li>
        ))}
      </ul>
      {shared.hasNextPage && (
        <div className="border-t border-line p-3 text-center">
          <Button size="small" onClick={() => void shared.fetchNextPage()} isBusy={shared.isFetchingNextPage}>
            {common("loadMore")}
          </Button>
        </div>
      )}
      {accepting && <AcceptDialog question={accepting} sets={sets} onClose={() => setAccepting(null)} />}
    </Section>
  );
}

interface SharedRowProps {
  question: EvaluationQuestion;
  mayKeep: boolean;
  /** Null while there is no set to take it over into. */
  onAccept: (() => void) | null;
}

function SharedRow({ question, mayKeep, onAccept }: SharedRowProps) {
  const t = useTranslations("evaluation");
  const locale = useLocale();
  const { tenant } = useSession();
  const announce = useToast();
  const { deleteQuestion } = useEvaluationSteps();
  const Icon = question.verdict === "up" ? ThumbsUp : ThumbsDown;
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3 sm:px-5">
      <div className="min-w-52 flex-1">
        <p className="text-sm break-words whitespace-pre-wrap">{question.question}</p>
        <p className="mt-0.5 flex flex-wrap items-center gap-x-2 text-xs text-faint">
          {question.verdict && (
            <span className="inline-flex items-center gap-1">
              <Icon aria-hidden className="size-3" />
              {t(question.verdict === "up" ? "sharedUp" : "sharedDown")}
            </span>
          )}
          {moment(question.created_at, locale, tenant.time_zone)}
        </p>
        <ErrorNote error={deleteQuestion.error} className="mt-2" />
      </div>
      {mayKeep && (
        <div className="flex gap-2">
          <Button size="small" disabled={!onAccept} onClick={() => onAccept?.()}>
            {t("take")}
          </Button>
          <Button
            size="small"
            look="quiet"
            isBusy={deleteQuestion.isPending}
            onClick={() => deleteQuestion.mutate(question.id, { onSuccess: () => announce(t("discarded")) })}
          >
            {t("discard")}
          </Button>
        </div>
      )}
    </div>
  );
}
