"use client";

import { useLocale, useTranslations } from "next-intl";
import type { Runs } from "@/api/evaluation";
import { useSession } from "@/api/session";
import type { EvaluationRun } from "@/api/types";
import { AppLink } from "@/shell/link";
import { moment } from "@/time/format";
import { Badge } from "@/ui/badge";
import { Section } from "@/ui/page";
import { FigureLine } from "./figure-cards";

/** The newest first; nothing at all before the first one, which the page tells of already. */
export function RunList({ runs }: { runs: Runs }) {
  const t = useTranslations("evaluation");
  if (runs.items.length === 0) return null;
  return (
    <Section title={t("runs")} bodyClassName="p-0 py-0 sm:px-0">
      <ul aria-label={t("runs")} className="divide-y divide-line">
        {runs.items.map((run) => (
          <li key={run.id}>
            <RunRow run={run} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function RunRow({ run }: { run: EvaluationRun }) {
  const t = useTranslations("evaluation");
  const locale = useLocale();
  const { tenant } = useSession();
  return (
    <AppLink
      href={`/evaluation/runs/${run.id}`}
      leavesDate
      className="grid gap-x-6 gap-y-1 px-4 py-3 hover:bg-sunken/60 sm:px-5 lg:grid-cols-[minmax(0,1fr)_minmax(0,1.4fr)] lg:items-center"
    >
      <span>
        <span className="block text-sm font-medium">{moment(run.started_at, locale, tenant.time_zone)}</span>
        <span className="block text-xs text-faint">
          {t(`cause.${run.cause}`)} · {t("runQuestions", { count: run.questions })}
          {run.failed > 0 && (
            <span className="ml-2 text-danger">{t("runFailed", { count: run.failed })}</span>
          )}
        </span>
      </span>
      {run.state === "running" ? (
        <span>
          <Badge tone="future">{t("runRunning")}</Badge>
        </span>
      ) : (
        <FigureLine figures={run.figures} />
      )}
    </AppLink>
  );
}
