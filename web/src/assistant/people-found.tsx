"use client";

import { useLocale, useTranslations } from "next-intl";
import type { PeopleAnswer } from "@/api/types";
import { useSession } from "@/api/session";
import { AppLink } from "@/shell/link";
import { longDay } from "@/time/format";
import { Avatar } from "@/ui/avatar";

/** Everybody whom a question about people found, each leading to their page on the day that was asked about. */
export function PeopleFoundList({ found }: { found: PeopleAnswer }) {
  const t = useTranslations("assistant");
  const locale = useLocale();
  const { today } = useSession().tenant;
  const date = found.as_of === today ? "" : `?as_of=${found.as_of}`;
  return (
    <section className="mt-4 border-t border-line pt-3">
      <h4 className="text-xs font-medium text-faint">
        {t("total", { count: found.total })}
        {found.as_of !== today && (
          <span className="ml-2 font-normal">{t("askedOn", { date: longDay(found.as_of, locale) })}</span>
        )}
      </h4>
      <ul className="mt-1.5 -ml-2 grid gap-x-3 sm:grid-cols-2">
        {found.items.map((person) => (
          <li key={person.id}>
            <AppLink
              href={`/people/${person.id}${date}`}
              leavesDate
              className="flex items-center gap-3 rounded-lg px-2 py-1.5 hover:bg-sunken"
            >
              <Avatar id={person.id} name={person.name} />
              <span className="min-w-0">
                <span className="block truncate text-sm font-medium">{person.name}</span>
                <span className="block truncate text-xs text-faint">
                  {[person.org_unit, person.position].filter(Boolean).join(" · ")}
                </span>
              </span>
            </AppLink>
          </li>
        ))}
      </ul>
      {found.items.length > 0 && found.items.length < found.total && (
        <p className="mt-1 text-xs text-faint">{t("first", { count: found.items.length })}</p>
      )}
    </section>
  );
}
