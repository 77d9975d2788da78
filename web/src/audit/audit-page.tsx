"use client";

import { ShieldCheck } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useState } from "react";
import { useAudit, useVerifyAudit, type AuditFilters } from "@/api/administration";
import { useSession } from "@/api/session";
import type { AuditEntry } from "@/api/types";
import { AppLink } from "@/shell/link";
import { moment, wholeNumber } from "@/time/format";
import { Button } from "@/ui/button";
import { cn } from "@/ui/cn";
import { PageHead } from "@/ui/page";
import { RowToggle } from "@/ui/row-toggle";
import { CorrelationId, EmptyState, ErrorNote, ErrorState, SkeletonRows } from "@/ui/states";
import { useActionName } from "./action-name";
import { AuditFilterBar } from "./audit-filter-bar";

export function AuditPage() {
  const t = useTranslations("audit");
  const common = useTranslations("common");
  const [filters, setFilters] = useState<AuditFilters>({});
  const audit = useAudit(filters);
  const items = audit.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <PageHead title={t("title")} lead={t("lead")} actions={<VerifyButton />} />
      <AuditFilterBar filters={filters} onChange={setFilters} />
      <div className="card mt-4 overflow-hidden">
        {audit.isPending ? (
          <SkeletonRows />
        ) : audit.isError ? (
          <ErrorState error={audit.error} onRetry={() => void audit.refetch()} />
        ) : items.length === 0 ? (
          <EmptyState title={t("empty")} />
        ) : (
          <ul className={cn("divide-y divide-line", audit.isPlaceholderData && "opacity-60")}>
            {items.map((entry) => (
              <EntryRow key={entry.id} entry={entry} />
            ))}
          </ul>
        )}
      </div>
      {audit.hasNextPage && (
        <div className="mt-4 text-center">
          <Button onClick={() => void audit.fetchNextPage()} isBusy={audit.isFetchingNextPage}>
            {common("loadMore")}
          </Button>
        </div>
      )}
    </>
  );
}

/** Walks the chain of hashes and says whether every entry is as it was written. */
function VerifyButton() {
  const t = useTranslations("audit");
  const locale = useLocale();
  const verify = useVerifyAudit();
  const verdict = verify.data;
  return (
    <div className="flex flex-wrap items-center justify-end gap-3">
      <div role="status" className="text-sm empty:hidden">
        {verdict?.is_valid && (
          <span className="inline-flex items-center gap-1.5 font-medium text-pine">
            <ShieldCheck aria-hidden className="size-4" />
            {t("valid", { count: wholeNumber(verdict.entries, locale) })}
          </span>
        )}
        {verdict && !verdict.is_valid && (
          <span className="font-medium text-danger">
            {t("broken", { id: String(verdict.first_broken_id ?? "?") })}
          </span>
        )}
      </div>
      <ErrorNote error={verify.error} />
      <Button onClick={() => verify.mutate()} isBusy={verify.isPending}>
        <ShieldCheck aria-hidden />
        {t("verify")}
      </Button>
    </div>
  );
}

function EntryRow({ entry }: { entry: AuditEntry }) {
  const t = useTranslations("audit");
  const locale = useLocale();
  const { tenant } = useSession();
  const actionName = useActionName();
  const [isOpen, setIsOpen] = useState(false);
  const detailId = `entry-${entry.id}`;
  return (
    <li className="px-4 py-1.5 sm:px-5">
      <div className="flex items-center gap-x-2">
        <div className="flex min-w-0 flex-1 flex-wrap items-baseline gap-x-4 gap-y-0.5 py-1 text-sm">
          <span className="tabular w-36 shrink-0 text-soft">
            {moment(entry.at, locale, tenant.time_zone)}
          </span>
          <span className="w-36 shrink-0 truncate font-medium">{entry.actor?.name ?? t("system")}</span>
          <span className="min-w-40 flex-1">
            {actionName(entry.action)}
            {entry.subject_person_id !== null && (
              <AppLink
                href={`/people/${entry.subject_person_id}`}
                className="ml-2 text-xs text-pine hover:underline"
              >
                {t("subject", { id: String(entry.subject_person_id) })}
              </AppLink>
            )}
          </span>
          <span className="tabular text-xs text-faint">{entry.address}</span>
        </div>
        <RowToggle
          isOpen={isOpen}
          onToggle={() => setIsOpen((now) => !now)}
          controls={detailId}
          label={t("showDetail")}
        />
      </div>
      <div id={detailId} hidden={!isOpen}>
        {isOpen && <EntryDetail entry={entry} />}
      </div>
    </li>
  );
}

function EntryDetail({ entry }: { entry: AuditEntry }) {
  return (
    <div className="mt-1 mb-2 space-y-2 rounded-lg bg-sunken px-4 py-3 text-xs">
      <p className="font-mono text-soft">
        #{entry.id} {entry.action}
      </p>
      {Object.keys(entry.details).length > 0 && (
        <pre className="overflow-x-auto font-mono leading-relaxed" tabIndex={0}>
          {JSON.stringify(entry.details, null, 2)}
        </pre>
      )}
      <CorrelationId id={entry.correlation_id} />
    </div>
  );
}
