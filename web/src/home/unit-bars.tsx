"use client";

import { useLocale, useTranslations } from "next-intl";
import { useOrgChart } from "@/api/org";
import type { OrgNode } from "@/api/types";
import { AppLink } from "@/shell/link";
import { wholeNumber } from "@/time/format";
import { useAsOf } from "@/time/use-as-of";
import { EmptyState, ErrorState, SkeletonRows } from "@/ui/states";

const MOST = 8;

/** The largest units below the top, with their people, widest first. */
export function UnitBars() {
  const t = useTranslations("home");
  const locale = useLocale();
  const { query } = useAsOf();
  const chart = useOrgChart({ depth: 1 }, query);
  if (chart.isPending) return <SkeletonRows rows={5} />;
  if (chart.isError) return <ErrorState error={chart.error} onRetry={() => void chart.refetch()} />;
  const units = topUnits(chart.data.nodes, chart.data.root_ids);
  if (!units.length) return <EmptyState title={t("noUnits")} />;
  const largest = Math.max(...units.map((unit) => unit.headcount_total), 1);
  return (
    <ul className="space-y-3">
      {units.slice(0, MOST).map((unit) => (
        <li key={unit.id}>
          <AppLink href={`/people?org_unit_id=${unit.id}`} className="group block">
            <span className="flex items-baseline justify-between gap-3 text-sm">
              <span className="truncate group-hover:underline">{unit.name}</span>
              <span className="tabular shrink-0 text-soft">
                {t("count", { count: wholeNumber(unit.headcount_total, locale) })}
              </span>
            </span>
            <svg
              aria-hidden
              viewBox="0 0 100 2"
              preserveAspectRatio="none"
              className="mt-1.5 h-2 w-full overflow-hidden rounded-full bg-sunken"
            >
              <rect width={(unit.headcount_total / largest) * 100} height="2" className="fill-pine/80" />
            </svg>
          </AppLink>
        </li>
      ))}
    </ul>
  );
}

/** Units directly below the roots; the roots themselves when nothing is below them. */
function topUnits(nodes: readonly OrgNode[], rootIds: readonly number[]): OrgNode[] {
  const roots = new Set(rootIds);
  const below = nodes.filter((node) => !roots.has(node.id));
  return [...(below.length ? below : nodes)].sort((a, b) => b.headcount_total - a.headcount_total);
}
