"use client";

import { ArrowDown, ArrowRight, TriangleAlert } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import type { Assignment, TransferPreview } from "@/api/types";
import { lastDay } from "@/person/timeline";
import type { Day } from "@/time/days";
import { dayRange, longDay } from "@/time/format";
import { useAsOf } from "@/time/use-as-of";
import { Badge } from "@/ui/badge";
import { cn } from "@/ui/cn";

interface PreviewPanelProps {
  preview: TransferPreview;
  effectiveOn: Day;
  reason: string;
}

/** What the record says now and what it would say: the server's own dry run, not a guess of this page. */
export function PreviewPanel({ preview, effectiveOn, reason }: PreviewPanelProps) {
  const t = useTranslations("actions");
  const locale = useLocale();
  const { today } = useAsOf();
  const isFuture = effectiveOn > today;
  return (
    <div className="space-y-4">
      <p
        className={cn(
          "rounded-lg px-4 py-2.5 text-sm font-medium",
          isFuture ? "bg-future-tint text-future-ink" : "bg-pine-tint text-pine-deep",
        )}
      >
        {t(isFuture ? "previewReserved" : "previewApplied", { date: longDay(effectiveOn, locale) })}
      </p>
      <div className="grid items-stretch gap-3 md:grid-cols-[minmax(0,1fr)_auto_minmax(0,1fr)]">
        <Side title={t("before")} assignments={preview.before} effectiveOn={effectiveOn} />
        <span className="grid place-items-center text-faint">
          <ArrowRight aria-hidden className="size-5 max-md:hidden" />
          <ArrowDown aria-hidden className="size-5 md:hidden" />
        </span>
        <Side
          title={t("after")}
          assignments={preview.after}
          effectiveOn={effectiveOn}
          compared={preview.before}
        />
      </div>
      {preview.warnings.length > 0 && (
        <ul className="space-y-1 rounded-lg border border-past/50 bg-past-tint px-4 py-3 text-sm text-past-ink">
          {preview.warnings.map((warning) => (
            <li key={warning.code} className="flex items-start gap-2">
              <TriangleAlert aria-hidden className="mt-1 size-4 shrink-0" />
              {warning.message}
            </li>
          ))}
        </ul>
      )}
      {reason && (
        <p className="text-sm text-soft">
          <span className="text-faint">{t("reason")}：</span>
          {reason}
        </p>
      )}
    </div>
  );
}

interface SideProps {
  title: string;
  assignments: readonly Assignment[];
  effectiveOn: Day;
  compared?: readonly Assignment[];
}

function Side({ title, assignments, effectiveOn, compared }: SideProps) {
  return (
    <section className="rounded-xl border border-line bg-sunken/50 p-3">
      <h3 className="px-1 pb-2 text-xs font-medium text-soft">{title}</h3>
      <ul className="space-y-2">
        {assignments.map((assignment) => (
          <AssignmentCard
            key={`${assignment.kind}-${assignment.org_unit.id}-${assignment.valid_from}`}
            assignment={assignment}
            before={compared && counterpart(assignment, compared)}
            isOver={Boolean(compared && assignment.valid_to && assignment.valid_to <= effectiveOn)}
          />
        ))}
      </ul>
    </section>
  );
}

/** The assignment that this one takes over from, to show what differs. */
function counterpart(assignment: Assignment, before: readonly Assignment[]): Assignment | undefined {
  const sameKind = before.filter((one) => one.kind === assignment.kind);
  return sameKind.find((one) => one.id === assignment.id) ?? sameKind.at(-1);
}

interface AssignmentCardProps {
  assignment: Assignment;
  before: Assignment | undefined;
  /** Ends with the change. */
  isOver: boolean;
}

function AssignmentCard({ assignment, before, isOver }: AssignmentCardProps) {
  const t = useTranslations("actions");
  const person = useTranslations("person");
  const locale = useLocale();
  const last = lastDay(assignment);
  const rows = [
    [t("unit"), assignment.org_unit.name, before?.org_unit.name],
    [t("position"), assignment.position?.title, before?.position?.title],
    [t("manager"), assignment.manager?.name, before?.manager?.name],
    [t("grade"), assignment.grade, before?.grade],
    [t("share"), percent(assignment.fte), before && percent(before.fte)],
  ] as const;
  return (
    <li
      className={cn("rounded-lg border border-line px-3 py-2.5 text-sm", isOver ? "bg-sunken" : "bg-surface")}
    >
      <p className="tabular mb-1 flex flex-wrap items-center gap-2 text-xs text-soft">
        {assignment.kind === "concurrent" && <Badge tone="outline">{person("kind.concurrent")}</Badge>}
        {dayRange(assignment.valid_from, last, locale)}
      </p>
      <dl className="grid grid-cols-[5.5rem_minmax(0,1fr)] gap-y-0.5">
        {rows.map(([label, value, old]) => {
          const isChanged = before !== undefined && !isOver && (value ?? "") !== (old ?? "");
          return (
            <div key={label} className="contents">
              <dt className="text-faint">{label}</dt>
              <dd className={cn(isChanged && "font-semibold text-pine-deep")}>
                {value || "—"}
                {isChanged && <span className="sr-only">{t("changed")}</span>}
              </dd>
            </div>
          );
        })}
      </dl>
    </li>
  );
}

function percent(fte: Assignment["fte"]): string {
  return fte === null || fte === undefined ? "" : `${Math.round(Number(fte) * 1000) / 10}%`;
}
