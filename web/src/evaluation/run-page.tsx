"use client";

import { useLocale, useTranslations } from "next-intl";
import { useQuestionSets, useWorstQuestions } from "@/api/evaluation";
import { useSession } from "@/api/session";
import type { EvaluationRun } from "@/api/types";
import { BackLink } from "@/documents/document-page";
import { moment } from "@/time/format";
import { Badge } from "@/ui/badge";
import { PageHead, Section } from "@/ui/page";
import { ErrorState, SkeletonRows } from "@/ui/states";
import { FigureCards } from "./figure-cards";
import { WorstList } from "./worst-list";

/** One run: its figures, and each question that did not go well with what was found instead. */
export function RunPage({ id }: { id: number }) {
  const t = useTranslations("evaluation");
  const locale = useLocale();
  const { tenant } = useSession();
  const found = useWorstQuestions(id);
  const sets = useQuestionSets();
  if (!found.data)
    return (
      <>
        <BackLink href="/evaluation">{t("back")}</BackLink>
        <h1 className="sr-only">{t("title")}</h1>
        <div className="card">
          {found.isPending ? (
            <SkeletonRows />
          ) : (
            <ErrorState error={found.error} onRetry={() => void found.refetch()} />
          )}
        </div>
      </>
    );
  const { run, items } = found.data;
  return (
    <>
      <BackLink href="/evaluation">{t("back")}</BackLink>
      <PageHead
        title={t("runAt", { at: moment(run.started_at, locale, tenant.time_zone) })}
        lead={<RunFacts run={run} />}
      />
      <div className="space-y-5">
        {run.figures.length > 0 && (
          <Section title={t("result")}>
            <FigureCards figures={run.figures} />
          </Section>
        )}
        <Section title={t("worst")} bodyClassName="p-0 py-0 sm:px-0">
          <WorstList items={items} sets={sets.data?.items ?? []} isRunning={run.state === "running"} />
        </Section>
      </div>
    </>
  );
}

function RunFacts({ run }: { run: EvaluationRun }) {
  const t = useTranslations("evaluation");
  return (
    <span className="flex flex-wrap items-center gap-x-2 gap-y-0.5">
      <span>{t("runLead", { cause: t(`cause.${run.cause}`), count: run.questions })}</span>
      {run.commit && (
        <span className="text-xs text-faint">{t("runCommit", { commit: run.commit.slice(0, 8) })}</span>
      )}
      {run.failed > 0 && <Badge tone="danger">{t("runFailed", { count: run.failed })}</Badge>}
      {run.state === "running" && <Badge tone="future">{t("runRunning")}</Badge>}
    </span>
  );
}
