"use client";

import { Download, FileSpreadsheet } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useImports } from "@/api/imports";
import { useSession } from "@/api/session";
import type { ImportJob } from "@/api/types";
import { AppLink } from "@/shell/link";
import { moment, wholeNumber } from "@/time/format";
import { Badge, type Tone } from "@/ui/badge";
import { Button } from "@/ui/button";
import { PageHead, Section } from "@/ui/page";
import { EmptyState, ErrorState, SkeletonRows } from "@/ui/states";
import { DropZone } from "./drop-zone";

export function ImportsPage() {
  const t = useTranslations("imports");
  return (
    <>
      <PageHead
        title={t("title")}
        lead={t("lead")}
        actions={
          <>
            <Template format="csv" label={t("templateCsv")} />
            <Template format="xlsx" label={t("templateXlsx")} />
          </>
        }
      />
      <div className="space-y-5">
        <DropZone />
        <Section title={t("past")} bodyClassName="p-0 py-0 sm:px-0">
          <PastImports />
        </Section>
      </div>
    </>
  );
}

function Template({ format, label }: { format: "csv" | "xlsx"; label: string }) {
  return (
    <Button asChild size="small">
      <a href={`/api/v1/imports/template.${format}`} download>
        <Download aria-hidden />
        {label}
      </a>
    </Button>
  );
}

function PastImports() {
  const t = useTranslations("imports");
  const common = useTranslations("common");
  const imports = useImports();
  if (imports.isPending) return <SkeletonRows rows={3} />;
  if (imports.isError) return <ErrorState error={imports.error} onRetry={() => void imports.refetch()} />;
  const items = imports.data.pages.flatMap((page) => page.items);
  if (!items.length) return <EmptyState title={t("noPast")} />;
  return (
    <>
      <ul className="divide-y divide-line">
        {items.map((job) => (
          <li key={job.id}>
            <ImportLine job={job} />
          </li>
        ))}
      </ul>
      {imports.hasNextPage && (
        <div className="border-t border-line p-3 text-center">
          <Button
            size="small"
            onClick={() => void imports.fetchNextPage()}
            isBusy={imports.isFetchingNextPage}
          >
            {common("loadMore")}
          </Button>
        </div>
      )}
    </>
  );
}

const TONES: Record<ImportJob["state"], Tone> = {
  uploaded: "past",
  mapped: "past",
  checking: "past",
  checked: "past",
  committing: "future",
  committed: "today",
  failed: "danger",
  cancelled: "neutral",
};

export function ImportStateBadge({ state }: { state: ImportJob["state"] }) {
  const t = useTranslations("imports");
  return <Badge tone={TONES[state]}>{t(`state.${state}`)}</Badge>;
}

function ImportLine({ job }: { job: ImportJob }) {
  const t = useTranslations("imports");
  const locale = useLocale();
  const { tenant } = useSession();
  return (
    <AppLink
      href={`/imports/${job.id}`}
      leavesDate
      className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-3 hover:bg-sunken/60 sm:px-5"
    >
      <FileSpreadsheet aria-hidden className="size-5 shrink-0 text-faint" />
      <span className="min-w-40 flex-1">
        <span className="block text-sm font-medium break-all">{job.file_name}</span>
        <span className="block text-xs text-faint">
          {moment(job.created_at, locale, tenant.time_zone)} ·{" "}
          {t("rows", { count: wholeNumber(job.rows_total, locale) })}
        </span>
      </span>
      <ImportStateBadge state={job.state} />
    </AppLink>
  );
}
