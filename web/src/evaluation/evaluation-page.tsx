"use client";

import { ListPlus, Play } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useState } from "react";
import { useEvaluationRuns, useQuestionSets, type Runs } from "@/api/evaluation";
import { useSession } from "@/api/session";
import type { QuestionSet } from "@/api/types";
import { AppLink } from "@/shell/link";
import { moment, wholeNumber } from "@/time/format";
import { Button } from "@/ui/button";
import { PageHead, Section } from "@/ui/page";
import { ProgressBar } from "@/ui/progress";
import { EmptyState, ErrorNote, ErrorState, SkeletonRows } from "@/ui/states";
import { FigureCards } from "./figure-cards";
import { RunList } from "./run-list";
import { SetDialog } from "./set-dialog";
import { SetList } from "./set-list";
import { SharedSection } from "./shared-section";
import { WeightsSection } from "./weights-section";

export function EvaluationPage() {
  const t = useTranslations("evaluation");
  const mayKeep = useSession().may.import ?? false;
  const runs = useEvaluationRuns();
  const sets = useQuestionSets();
  const [isMaking, setIsMaking] = useState(false);
  const inForce = countInForce(sets.data?.items ?? []);
  // Before the first set there is nothing to tell but how to begin.
  const hasAny = runs.items.length > 0 || (sets.data?.items.length ?? 0) > 0;
  return (
    <>
      <PageHead
        title={t("title")}
        lead={t("lead")}
        actions={
          mayKeep && (
            <>
              <Button onClick={() => setIsMaking(true)}>
                <ListPlus aria-hidden />
                {t("newSet")}
              </Button>
              <Button
                look="primary"
                onClick={runs.start}
                disabled={runs.isBusy || inForce === 0}
                aria-describedby={sets.data && inForce === 0 ? "nothing-to-ask" : undefined}
              >
                <Play aria-hidden />
                {t("run")}
              </Button>
            </>
          )
        }
      />
      {mayKeep && sets.data && sets.data.items.length > 0 && inForce === 0 && (
        <p id="nothing-to-ask" className="mb-4 text-sm text-soft">
          {t("runNothing")}
        </p>
      )}
      <ErrorNote error={runs.startError} className="mb-4" />
      <div className="space-y-5">
        <Progress runs={runs} total={inForce} />
        {hasAny && <Newest runs={runs} />}
        <Section title={t("sets")} bodyClassName="p-0 py-0 sm:px-0">
          {sets.isPending ? (
            <SkeletonRows rows={3} />
          ) : sets.isError ? (
            <ErrorState error={sets.error} onRetry={() => void sets.refetch()} />
          ) : (
            <SetList sets={sets.data.items} mayKeep={mayKeep} onMake={() => setIsMaking(true)} />
          )}
        </Section>
        <SharedSection sets={sets.data?.items ?? []} mayKeep={mayKeep} />
        <RunList runs={runs} />
        <WeightsSection newest={runs.newestDone} />
      </div>
      {isMaking && <SetDialog set={null} onClose={() => setIsMaking(false)} />}
    </>
  );
}

/** Questions that a run asks. */
function countInForce(sets: readonly QuestionSet[]): number {
  return sets.filter((one) => one.is_active).reduce((sum, one) => sum + one.questions, 0);
}

function Progress({ runs, total }: { runs: Runs; total: number }) {
  const t = useTranslations("evaluation");
  const locale = useLocale();
  const { running, isBusy, isLate } = runs;
  if (!isBusy) return null;
  const title = running ? t("running") : t("waiting");
  return (
    <section aria-label={title} className="card px-5 py-5">
      <p className="font-serif font-semibold">{title}</p>
      <p className="mt-0.5 mb-3 text-sm text-soft">
        {running ? t("runningHelp") : isLate ? t("lateHelp") : t("waitingHelp")}
      </p>
      <ProgressBar value={running?.questions ?? 0} total={running ? total : 0} label={title} />
      <p role="status" className="tabular mt-2 text-sm text-soft">
        {running &&
          t("progress", {
            done: wholeNumber(Math.min(running.questions, total), locale),
            total: wholeNumber(total, locale),
          })}
      </p>
    </section>
  );
}

function Newest({ runs }: { runs: Runs }) {
  const t = useTranslations("evaluation");
  const locale = useLocale();
  const { tenant } = useSession();
  const { query, newestDone: run } = runs;
  return (
    <Section
      title={t("newest")}
      aside={
        run && (
          <span className="text-xs text-faint">
            {t("newestAt", {
              at: moment(run.finished_at ?? run.started_at, locale, tenant.time_zone),
              count: run.questions,
            })}
          </span>
        )
      }
    >
      {query.isPending ? (
        <SkeletonRows rows={2} />
      ) : query.isError ? (
        <ErrorState error={query.error} onRetry={() => void query.refetch()} />
      ) : !run ? (
        <EmptyState title={t("noRun")}>{t("noRunHelp")}</EmptyState>
      ) : (
        <>
          <FigureCards figures={run.figures} />
          <p className="mt-3 text-sm">
            <AppLink href={`/evaluation/runs/${run.id}`} leavesDate className="text-pine hover:underline">
              {t("seeRun")}
            </AppLink>
          </p>
        </>
      )}
    </Section>
  );
}
