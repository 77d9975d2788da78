"use client";

import { ArrowRight, X } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useOrgChart } from "@/api/org";
import type { OrgNode, OrgPerson } from "@/api/types";
import { AppLink } from "@/shell/link";
import { wholeNumber } from "@/time/format";
import { useAsOf } from "@/time/use-as-of";
import { Avatar } from "@/ui/avatar";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { ErrorState, SkeletonRows } from "@/ui/states";
import { useUnitKind } from "./unit-card";

/** One unit: its head, its figures, the people who work directly in it. */
export function UnitPanel({ node, onClose }: { node: OrgNode; onClose?: () => void }) {
  const t = useTranslations("org");
  const locale = useLocale();
  const kindOf = useUnitKind();
  return (
    <section aria-label={node.name} className="flex h-full min-h-0 flex-col">
      <header className="flex items-start gap-3 border-b border-line px-5 py-4">
        <div className="min-w-0 flex-1">
          <p className="text-xs text-faint">{kindOf(node.kind)}</p>
          {/* In a dialog the name is the dialog's own title. */}
          {onClose && <h2 className="font-serif text-lg leading-snug font-semibold">{node.name}</h2>}
          <p className="mt-1 text-sm text-soft">
            {t("headcount", { count: wholeNumber(node.headcount_total, locale) })}
            <span className="ml-2 text-xs text-faint">
              {t("headcountOwn", { count: wholeNumber(node.headcount, locale) })}
            </span>
          </p>
        </div>
        {onClose && (
          <button
            type="button"
            aria-label={t("close")}
            onClick={onClose}
            className="-mr-2 grid size-9 place-items-center rounded-lg text-soft hover:bg-sunken"
          >
            <X aria-hidden className="size-4" />
          </button>
        )}
      </header>
      <div className="min-h-0 flex-1 overflow-y-auto">
        {node.head && (
          <div className="border-b border-line px-5 py-3">
            <p className="text-xs text-faint">{t("head")}</p>
            <AppLink
              href={`/people/${node.head.id}`}
              className="mt-1.5 flex items-center gap-3 font-medium hover:underline"
            >
              <Avatar id={node.head.id} name={node.head.name} />
              {node.head.name}
            </AppLink>
          </div>
        )}
        <Members unitId={node.id} />
      </div>
      <footer className="border-t border-line px-5 py-3">
        <Button asChild look="link" size="small">
          <AppLink href={`/people?org_unit_id=${node.id}`}>
            {t("membersMore")}
            <ArrowRight aria-hidden />
          </AppLink>
        </Button>
      </footer>
    </section>
  );
}

function Members({ unitId }: { unitId: number }) {
  const t = useTranslations("org");
  const { query } = useAsOf();
  const chart = useOrgChart({ rootId: unitId, depth: 0, people: true }, query);
  if (chart.isPending || chart.isPlaceholderData) return <SkeletonRows rows={4} />;
  if (chart.isError) return <ErrorState error={chart.error} onRetry={() => void chart.refetch()} />;
  const people = chart.data.nodes.find((node) => node.id === unitId)?.people ?? [];
  return (
    <>
      <h3 className="px-5 pt-3 text-xs text-faint">{t("members")}</h3>
      {people.length === 0 ? (
        <p className="px-5 py-3 text-sm text-soft">{t("noMembers")}</p>
      ) : (
        <ul className="px-2 py-2">
          {people.map((person) => (
            <li key={`${person.id}-${person.is_concurrent}`}>
              <Member person={person} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Member({ person }: { person: OrgPerson }) {
  const t = useTranslations("org");
  return (
    <AppLink
      href={`/people/${person.id}`}
      className="flex items-center gap-3 rounded-lg px-3 py-2 hover:bg-sunken"
    >
      <Avatar id={person.id} name={person.name} className="size-8 text-xs" />
      <span className="min-w-0 flex-1">
        <span className="block truncate text-sm">{person.name}</span>
        {person.position_title && (
          <span className="block truncate text-xs text-faint">{person.position_title}</span>
        )}
      </span>
      {person.is_concurrent && <Badge tone="outline">{t("concurrent")}</Badge>}
    </AppLink>
  );
}
