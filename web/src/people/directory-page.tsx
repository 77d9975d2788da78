"use client";

import { UserPlus } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useMemo } from "react";
import { useOrgUnits } from "@/api/org";
import { usePeople } from "@/api/people";
import { useSession } from "@/api/session";
import type { PersonCard } from "@/api/types";
import { UnitCombobox } from "@/org/unit-combobox";
import { AppLink } from "@/shell/link";
import { wholeNumber } from "@/time/format";
import { useAsOf } from "@/time/use-as-of";
import { Button } from "@/ui/button";
import { Select } from "@/ui/field";
import { PageHead } from "@/ui/page";
import { EmptyState, ErrorState, SkeletonRows } from "@/ui/states";
import { DirectoryTable } from "./directory-table";
import { ExportMenu } from "./export-menu";
import { SearchBox } from "./search-box";
import { SORTS, STATUSES, useDirectoryFilters, type DirectoryFilters } from "./use-directory-filters";

const NOBODY: PersonCard[] = [];

export function DirectoryPage() {
  const t = useTranslations("people");
  const locale = useLocale();
  const { may } = useSession();
  const { query: dates } = useAsOf();
  const { filters, query, change } = useDirectoryFilters();
  const people = usePeople(query, dates);
  const rows = useMemo(() => people.data?.pages.flatMap((page) => page.items) ?? NOBODY, [people.data]);
  const total = people.data?.pages[0]?.total;
  return (
    <>
      <PageHead
        title={t("title")}
        lead={total === undefined ? t("lead") : t("count", { count: wholeNumber(total, locale) })}
        actions={
          <>
            {may.export && <ExportMenu />}
            {may.hire && (
              <Button asChild look="primary">
                <AppLink href="/people/new">
                  <UserPlus aria-hidden />
                  {t("hire")}
                </AppLink>
              </Button>
            )}
          </>
        }
      />
      <Filters filters={filters} onChange={change} />
      <div className="card mt-4 overflow-clip" aria-busy={people.isPlaceholderData || undefined}>
        {people.isPending ? (
          <SkeletonRows rows={8} />
        ) : people.isError ? (
          <ErrorState error={people.error} onRetry={() => void people.refetch()} />
        ) : rows.length === 0 ? (
          <Nothing filters={filters} onClear={() => change({ q: "", orgUnitId: null, status: "active" })} />
        ) : (
          <DirectoryTable
            rows={rows}
            total={total ?? rows.length}
            isStale={people.isPlaceholderData}
            hasMore={people.hasNextPage}
            isFetchingMore={people.isFetchingNextPage}
            onMore={people.fetchNextPage}
          />
        )}
      </div>
      <p role="status" className="sr-only">
        {people.isSuccess && !people.isPlaceholderData && total !== undefined
          ? t("count", { count: wholeNumber(total, locale) })
          : ""}
      </p>
    </>
  );
}

interface FiltersProps {
  filters: DirectoryFilters;
  onChange: (next: Partial<DirectoryFilters>) => void;
}

function Filters({ filters, onChange }: FiltersProps) {
  const t = useTranslations("people");
  const { query: dates } = useAsOf();
  const units = useOrgUnits(dates);
  const unit = units.data?.find((one) => one.id === filters.orgUnitId);
  return (
    <div className="grid grid-cols-2 gap-2 lg:grid-cols-[minmax(0,1.6fr)_minmax(0,1.2fr)_9.5rem_10.5rem]">
      <div className="col-span-2 lg:col-span-1">
        <SearchBox value={filters.q} label={t("search")} onSearch={(q) => onChange({ q })} />
      </div>
      <div className="col-span-2 lg:col-span-1">
        <UnitCombobox
          value={unit ? { id: unit.id, label: unit.name } : null}
          onChange={(option) => onChange({ orgUnitId: option?.id ?? null })}
          dates={dates}
          placeholder={t("anyUnit")}
          label={t("filterUnit")}
        />
      </div>
      <Select
        aria-label={t("filterStatus")}
        value={filters.status}
        onChange={(event) => onChange({ status: event.target.value as DirectoryFilters["status"] })}
      >
        {STATUSES.map((status) => (
          <option key={status} value={status}>
            {t(`status.${status}`)}
          </option>
        ))}
      </Select>
      <Select
        aria-label={t("sortBy")}
        value={filters.sort}
        onChange={(event) => onChange({ sort: event.target.value as DirectoryFilters["sort"] })}
      >
        {SORTS.map((sort) => (
          <option key={sort} value={sort}>
            {t(`sort.${sort}`)}
          </option>
        ))}
      </Select>
    </div>
  );
}

function Nothing({ filters, onClear }: { filters: DirectoryFilters; onClear: () => void }) {
  const t = useTranslations("people");
  const isFiltered = Boolean(filters.q || filters.orgUnitId || filters.status !== "active");
  return (
    <EmptyState
      title={isFiltered ? t("noMatch") : t("empty")}
      action={isFiltered && <Button onClick={onClear}>{t("clearFilters")}</Button>}
    >
      {isFiltered ? t("noMatchHelp") : t("emptyHelp")}
    </EmptyState>
  );
}
