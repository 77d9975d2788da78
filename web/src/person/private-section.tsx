"use client";

import { Lock } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import type { PersonDetail } from "@/api/types";
import { eraDay, longDay } from "@/time/format";
import { Fact, Facts, Section } from "@/ui/page";
import { GENDERS } from "./choices";

/** Personal facts; the API sends them to those who may see them, and records that it did. */
export function PrivateSection({ person }: { person: PersonDetail }) {
  const t = useTranslations("person");
  const locale = useLocale();
  const facts = person.private;
  if (!facts) return null;
  const gender = GENDERS.find((one) => one === facts.gender);
  const era = facts.birth_on && locale === "ja" ? (facts.birth_era ?? eraDay(facts.birth_on)) : null;
  return (
    <Section
      title={
        <span className="flex items-center gap-2">
          <Lock aria-hidden className="size-4 text-faint" />
          {t("private")}
        </span>
      }
      aside={<span className="text-xs text-faint">{t("privateHelp")}</span>}
    >
      <Facts className="sm:grid-cols-2 xl:grid-cols-1 2xl:grid-cols-2">
        <Fact label={t("birthOn")}>
          {facts.birth_on ? longDay(facts.birth_on, locale) : "—"}
          {era && <span className="block text-[0.8125rem] text-soft">{era}</span>}
        </Fact>
        <Fact label={t("gender")}>{gender ? t(`genders.${gender}`) : "—"}</Fact>
        <Fact label={t("address")} className="sm:col-span-2 xl:col-span-1 2xl:col-span-2">
          <span className="whitespace-pre-line">{facts.address?.display ?? "—"}</span>
        </Fact>
        <Fact label={t("personalEmail")}>{facts.personal_email ?? "—"}</Fact>
        <Fact label={t("personalPhone")}>
          <span className="tabular">{facts.personal_phone ?? "—"}</span>
        </Fact>
      </Facts>
    </Section>
  );
}
