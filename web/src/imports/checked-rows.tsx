"use client";

import { CircleAlert, TriangleAlert } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { useImportRows, type RowFilter } from "@/api/imports";
import type { ImportJob, ImportRow } from "@/api/types";
import { Badge, type Tone } from "@/ui/badge";
import { Button } from "@/ui/button";
import { cn } from "@/ui/cn";
import { EmptyState, ErrorState, SkeletonRows } from "@/ui/states";

const FILTERS: readonly RowFilter[] = ["errors", "warnings", "changes", "all"];
const TONES: Record<ImportRow["action"], Tone> = {
  create: "today",
  update: "future",
  unchanged: "neutral",
  error: "danger",
};

/** The rows of the file with what is wrong in each cell, and what each would change. */
export function CheckedRows({ job }: { job: ImportJob }) {
  const t = useTranslations("imports");
  const common = useTranslations("common");
  const [only, setOnly] = useState<RowFilter>((job.counts.error ?? 0) > 0 ? "errors" : "changes");
  const rows = useImportRows(job.id, only, true);
  const items = rows.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section className="card overflow-hidden">
      <div
        role="group"
        aria-label={t("showRows")}
        className="flex flex-wrap gap-1.5 border-b border-line px-4 py-3 sm:px-5"
      >
        {FILTERS.map((filter) => (
          <button
            key={filter}
            type="button"
            aria-pressed={filter === only}
            onClick={() => setOnly(filter)}
            className={cn(
              "h-8 rounded-full border px-3 text-[0.8125rem]",
              filter === only
                ? "border-pine bg-pine text-on-pine"
                : "border-line text-soft hover:border-edge",
            )}
          >
            {t(`only.${filter}`)}
          </button>
        ))}
      </div>
      {rows.isPending ? (
        <SkeletonRows />
      ) : rows.isError ? (
        <ErrorState error={rows.error} onRetry={() => void rows.refetch()} />
      ) : items.length === 0 ? (
        <EmptyState title={t("noRows")} />
      ) : (
        <RowTable rows={items} isStale={rows.isPlaceholderData} />
      )}
      {rows.hasNextPage && (
        <div className="border-t border-line p-3 text-center">
          <Button size="small" onClick={() => void rows.fetchNextPage()} isBusy={rows.isFetchingNextPage}>
            {common("loadMore")}
          </Button>
        </div>
      )}
    </section>
  );
}

function RowTable({ rows, isStale }: { rows: readonly ImportRow[]; isStale: boolean }) {
  const t = useTranslations("imports");
  return (
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={t("rowTable")}>
      <table className={cn("w-full min-w-160 text-sm", isStale && "opacity-60")}>
        <thead className="border-b border-line text-left text-xs text-soft">
          <tr>
            <th scope="col" className="w-16 py-2 pr-3 pl-4 font-medium sm:pl-5">
              {t("rowNumber")}
            </th>
            <th scope="col" className="w-24 py-2 pr-3 font-medium">
              {t("action")}
            </th>
            <th scope="col" className="w-56 py-2 pr-3 font-medium">
              {t("who")}
            </th>
            <th scope="col" className="py-2 pr-4 font-medium sm:pr-5">
              {t("details")}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={row.row_number} row={row} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ row }: { row: ImportRow }) {
  const t = useTranslations("imports");
  return (
    <tr className="border-b border-line align-top last:border-0">
      <td className="tabular py-2.5 pr-3 pl-4 text-soft sm:pl-5">{row.row_number}</td>
      <td className="py-2.5 pr-3">
        <Badge tone={TONES[row.action]}>{t(`count.${row.action}`)}</Badge>
      </td>
      <td className="py-2.5 pr-3 break-words">{nameOf(row)}</td>
      <td className="py-2.5 pr-4 sm:pr-5">
        <ul className="space-y-1">
          {row.errors.map((problem) => (
            <li
              key={`${problem.column}-${problem.code}`}
              className={cn("flex items-start gap-1.5", problem.is_warning ? "text-past-ink" : "text-danger")}
            >
              {problem.is_warning ? (
                <TriangleAlert aria-hidden className="mt-1 size-3.5 shrink-0" />
              ) : (
                <CircleAlert aria-hidden className="mt-1 size-3.5 shrink-0" />
              )}
              <span>
                {problem.column && <strong className="mr-1.5 font-semibold">{problem.column}</strong>}
                {problem.message}
              </span>
            </li>
          ))}
          {row.changes.map((change) => (
            <li key={change.field} className="text-soft">
              <span className="mr-1.5 text-faint">{change.label}</span>
              {change.before && <span className="mr-1.5 line-through decoration-edge">{change.before}</span>}
              <span className="text-ink">{change.after ?? "—"}</span>
            </li>
          ))}
        </ul>
      </td>
    </tr>
  );
}

/** Enough of the row for a person to find it again: its number and its name, however the file gives it. */
function nameOf(row: ImportRow): string {
  const { employee_number, full_kanji, family_kanji, given_kanji, full_latin, family_latin, given_latin } =
    row.cells;
  const kanji = full_kanji ?? [family_kanji, given_kanji].filter(Boolean).join(" ");
  const latin = full_latin ?? [given_latin, family_latin].filter(Boolean).join(" ");
  return [employee_number, kanji || latin].filter(Boolean).join("　");
}
