"use client";

import { ListChecks, ListPlus } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useSession } from "@/api/session";
import type { QuestionSet } from "@/api/types";
import { AppLink } from "@/shell/link";
import { moment } from "@/time/format";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { EmptyState } from "@/ui/states";
import { FigureLine } from "./figure-cards";

interface SetListProps {
  sets: readonly QuestionSet[];
  mayKeep: boolean;
  onMake: () => void;
}

export function SetList({ sets, mayKeep, onMake }: SetListProps) {
  const t = useTranslations("evaluation");
  if (sets.length === 0)
    return (
      <EmptyState
        title={t("noSets")}
        action={
          mayKeep && (
            <Button look="primary" onClick={onMake}>
              <ListPlus aria-hidden />
              {t("newSet")}
            </Button>
          )
        }
      >
        {mayKeep ? t("noSetsHelp") : t("noSetsReader")}
      </EmptyState>
    );
  return (
    <ul aria-label={t("sets")} className="divide-y divide-line">
      {sets.map((set) => (
        <li key={set.id}>
          <SetRow set={set} />
        </li>
      ))}
    </ul>
  );
}

function SetRow({ set }: { set: QuestionSet }) {
  const t = useTranslations("evaluation");
  const locale = useLocale();
  const { tenant } = useSession();
  const { last } = set;
  return (
    <AppLink
      href={`/evaluation/sets/${set.id}`}
      leavesDate
      className="grid gap-x-6 gap-y-1.5 px-4 py-3 hover:bg-sunken/60 sm:px-5 lg:grid-cols-[minmax(0,1fr)_minmax(0,1.4fr)] lg:items-center"
    >
      <span className="flex min-w-0 items-start gap-3">
        <ListChecks aria-hidden className="mt-0.5 size-5 shrink-0 text-faint" />
        <span className="min-w-0">
          <span className="flex flex-wrap items-center gap-x-2 gap-y-0.5 text-sm font-medium">
            <span className="break-words">{set.name}</span>
            <SetBadges set={set} />
          </span>
          <span className="block text-xs text-faint">{t("setQuestions", { count: set.questions })}</span>
        </span>
      </span>
      <span className="max-lg:pl-8">
        {last ? (
          <>
            <FigureLine figures={last.figures} />
            <span className="mt-0.5 block text-xs text-faint">
              {t("asked", { at: moment(last.finished_at, locale, tenant.time_zone) })}
              {last.failed > 0 && (
                <span className="ml-2 text-danger">{t("setFailed", { count: last.failed })}</span>
              )}
            </span>
          </>
        ) : (
          <span className="text-xs text-faint">
            {set.questions === 0
              ? t("notAskedEmpty")
              : set.is_active
                ? t("notAskedYet")
                : t("notAskedPaused")}
          </span>
        )}
      </span>
    </AppLink>
  );
}

/** What is out of the ordinary about a set. */
export function SetBadges({ set }: { set: QuestionSet }) {
  const t = useTranslations("evaluation");
  return (
    <>
      {!set.is_active && <Badge tone="past">{t("paused")}</Badge>}
      {!set.asker_is_active && <Badge tone="danger">{t("askerInactive")}</Badge>}
      {set.asks_model && <Badge tone="outline">{t("asksModel")}</Badge>}
    </>
  );
}
