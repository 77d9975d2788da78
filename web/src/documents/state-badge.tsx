"use client";

import { useTranslations } from "next-intl";
import { isOnTheWay } from "@/api/documents";
import type { VersionLine } from "@/api/types";
import { Badge, type Tone } from "@/ui/badge";
import { ProgressBar } from "@/ui/progress";

const TONES: Record<VersionLine["state"], Tone> = {
  waiting: "past",
  reading: "future",
  ready: "today",
  replaced: "neutral",
  failed: "danger",
};

export function StateBadge({ state }: { state: VersionLine["state"] }) {
  const t = useTranslations("documents");
  return <Badge tone={TONES[state]}>{t(`state.${state}`)}</Badge>;
}

/** The state and, while the file is read, how far it is. */
export function StateNow({ version, title }: { version: VersionLine; title: string }) {
  const t = useTranslations("documents");
  const total = version.pages_total;
  // Where no scanner is configured every version says so: on its page, not on every line of a list.
  const told = version.warnings.filter((warning) => warning.code !== "virus.not_scanned").length;
  return (
    <span className="block min-w-0">
      <span className="flex flex-wrap items-center gap-1.5">
        <StateBadge state={version.state} />
        {told > 0 && <Badge tone="past">{t("warnings", { count: told })}</Badge>}
      </span>
      {isOnTheWay(version) && total !== null && total > 0 && (
        <span className="mt-1.5 block max-w-44">
          <ProgressBar value={version.pages_done} total={total} label={t("reading", { title })} />
          <span className="tabular mt-0.5 block text-xs text-faint">
            {t("pages", { done: version.pages_done, total })}
          </span>
        </span>
      )}
    </span>
  );
}
