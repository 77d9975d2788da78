"use client";

import { useLocale, useTranslations } from "next-intl";
import { useMemo } from "react";
import { useHistory } from "@/api/people";
import type { Assignment, Employment, PersonDetail } from "@/api/types";
import { AppLink } from "@/shell/link";
import { dayRange } from "@/time/format";
import { useAsOf } from "@/time/use-as-of";
import { Badge } from "@/ui/badge";
import { Section } from "@/ui/page";
import { ErrorState, Skeleton } from "@/ui/states";
import { EMPLOYMENT_KINDS } from "./choices";
import { layOut, lastDay, tenseOfAssignment } from "./timeline";
import { TimelineChart } from "./timeline-chart";

/** Every post this person has held and will hold: as a picture, and as a table. */
export function HistorySection({ person }: { person: PersonDetail }) {
  const t = useTranslations("person");
  const { known, day, today } = useAsOf();
  const history = useHistory(person.id, known ?? undefined);
  const timeline = useMemo(
    () => history.data && layOut(history.data.items, history.data.employments, { today, day }),
    [history.data, today, day],
  );
  return (
    <Section title={t("history")} aside={<span className="text-xs text-faint">{t("historyHelp")}</span>}>
      {history.isPending ? (
        <Skeleton className="h-40 w-full" />
      ) : history.isError ? (
        <ErrorState error={history.error} onRetry={() => void history.refetch()} />
      ) : timeline ? (
        <>
          <TimelineChart timeline={timeline} />
          <AssignmentTable assignments={history.data.items} />
          <Spells employments={history.data.employments} />
        </>
      ) : (
        <p className="text-sm text-soft">{t("noHistory")}</p>
      )}
    </Section>
  );
}

function AssignmentTable({ assignments }: { assignments: readonly Assignment[] }) {
  const t = useTranslations("person");
  const newestFirst = useMemo(
    () => [...assignments].sort((a, b) => b.valid_from.localeCompare(a.valid_from)),
    [assignments],
  );
  return (
    <div className="mt-5 overflow-x-auto" tabIndex={0} role="region" aria-label={t("assignments")}>
      <table className="w-full min-w-136 text-sm">
        <caption className="sr-only">{t("assignments")}</caption>
        <thead className="border-b border-line text-left text-xs text-soft">
          <tr>
            <th scope="col" className="py-2 pr-3 font-medium">
              {t("period")}
            </th>
            <th scope="col" className="py-2 pr-3 font-medium">
              {t("unit")}
            </th>
            <th scope="col" className="py-2 pr-3 font-medium">
              {t("position")}
            </th>
            <th scope="col" className="py-2 pr-3 font-medium">
              {t("manager")}
            </th>
            <th scope="col" className="py-2 font-medium">
              {t("grade")}
            </th>
          </tr>
        </thead>
        <tbody>
          {newestFirst.map((assignment) => (
            <AssignmentRow key={assignment.id} assignment={assignment} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function AssignmentRow({ assignment }: { assignment: Assignment }) {
  const t = useTranslations("person");
  const locale = useLocale();
  const { day } = useAsOf();
  const tense = tenseOfAssignment(assignment, day);
  const last = lastDay(assignment);
  return (
    <tr className="border-b border-line align-top last:border-0">
      <td className="tabular py-2.5 pr-3 whitespace-nowrap">
        {dayRange(assignment.valid_from, last, locale)}
        {tense !== "past" && (
          <Badge tone={tense} className="ml-2">
            {t(`tense.${tense}`)}
          </Badge>
        )}
      </td>
      <td className="py-2.5 pr-3">
        {assignment.org_unit.name}
        {assignment.kind === "concurrent" && (
          <Badge tone="outline" className="ml-2">
            {t("kind.concurrent")}
          </Badge>
        )}
      </td>
      <td className="py-2.5 pr-3">{assignment.position?.title}</td>
      <td className="py-2.5 pr-3">
        {assignment.manager && (
          <AppLink href={`/people/${assignment.manager.id}`} className="hover:underline">
            {assignment.manager.name}
          </AppLink>
        )}
      </td>
      <td className="py-2.5">{assignment.grade}</td>
    </tr>
  );
}

function Spells({ employments }: { employments: readonly Employment[] }) {
  const t = useTranslations("person");
  const locale = useLocale();
  return (
    <div className="mt-5 border-t border-line pt-4">
      <h3 className="text-xs font-medium text-soft">{t("employments")}</h3>
      <ul className="mt-2 flex flex-wrap gap-2">
        {employments.map((spell) => (
          <li
            key={`${spell.id}-${spell.hired_on}`}
            className="rounded-lg border border-line px-3 py-1.5 text-sm"
          >
            <span className="tabular">{dayRange(spell.hired_on, spell.left_on, locale)}</span>
            <EmploymentKind kind={spell.kind} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function EmploymentKind({ kind }: { kind: string }) {
  const t = useTranslations("person");
  const known = EMPLOYMENT_KINDS.find((one) => one === kind);
  return <span className="ml-2 text-xs text-faint">{known ? t(`employment.${known}`) : kind}</span>;
}
