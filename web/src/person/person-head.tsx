"use client";

import { Mail } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import type { PersonDetail } from "@/api/types";
import { primaryName } from "@/people/name";
import { StatusBadge } from "@/people/status-badge";
import { AppLink } from "@/shell/link";
import { daysBetween } from "@/time/days";
import { shortDay } from "@/time/format";
import { useAsOf } from "@/time/use-as-of";
import { Avatar } from "@/ui/avatar";
import { Badge } from "@/ui/badge";
import { PersonActions } from "./person-actions";

/** Who this is: all scripts of the name, where they stand on the date shown, and what may be done. */
export function PersonHead({ person }: { person: PersonDetail }) {
  const t = useTranslations("person");
  const locale = useLocale();
  const name = primaryName(person.name, locale);
  const readings = [person.name.kanji, person.name.kana, person.name.latin].filter(
    (script) => script && script !== name,
  );
  return (
    <header className="card flex flex-wrap items-start gap-x-4 gap-y-4 p-4 sm:gap-x-5 sm:p-6">
      <Avatar id={person.id} name={name} className="size-14 text-xl sm:size-18 sm:text-2xl" />
      <div className="min-w-0 flex-1 basis-56">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <h1 className="font-serif text-2xl leading-tight font-semibold">{name}</h1>
          <StatusBadge status={person.employment_status} />
          {person.is_concurrent_elsewhere && <Badge tone="outline">{t("concurrent")}</Badge>}
        </div>
        <p className="mt-0.5 flex flex-wrap gap-x-3 text-sm text-soft">
          {readings.map((script) => (
            <span key={script}>{script}</span>
          ))}
        </p>
        <dl className="mt-3 flex flex-wrap gap-x-6 gap-y-1.5 text-sm">
          <Item label={t("number")}>
            <span className="tabular">{person.employee_number}</span>
          </Item>
          <Tenure person={person} />
          {person.manager && (
            <Item label={t("manager")}>
              <AppLink href={`/people/${person.manager.id}`} className="text-pine hover:underline">
                {person.manager.name}
              </AppLink>
            </Item>
          )}
          {person.work_email && (
            <Item label={t("email")}>
              <a
                href={`mailto:${person.work_email}`}
                className="inline-flex items-center gap-1 break-all text-pine hover:underline"
              >
                <Mail aria-hidden className="size-3.5 shrink-0" />
                {person.work_email}
              </a>
            </Item>
          )}
        </dl>
      </div>
      <PersonActions person={person} />
    </header>
  );
}

function Item({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <div className="flex min-w-0 gap-2">
      <dt className="shrink-0 text-faint">{label}</dt>
      <dd className="min-w-0">{children}</dd>
    </div>
  );
}

/** Since when, and for how long, in the spell of employment that holds the date shown. */
function Tenure({ person }: { person: PersonDetail }) {
  const t = useTranslations("person");
  const locale = useLocale();
  const { day } = useAsOf();
  const spell = person.employments.find((one) => one.hired_on <= day && (!one.left_on || day <= one.left_on));
  if (!spell) return null;
  const months = Math.floor(daysBetween(spell.hired_on, day) / 30.4375);
  return (
    <Item label={t("hiredOn")}>
      <span className="tabular">{shortDay(spell.hired_on, locale)}</span>
      <span className="ml-1.5 whitespace-nowrap text-faint">
        {t("tenure", { years: Math.floor(months / 12), months: months % 12 })}
      </span>
    </Item>
  );
}
