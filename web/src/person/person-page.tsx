"use client";

import { ArrowLeft } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useEffect } from "react";
import { usePerson } from "@/api/people";
import type { PersonDetail } from "@/api/types";
import { OrderLine } from "@/orders/order-line";
import { primaryName } from "@/people/name";
import { PersonLine } from "@/people/person-line";
import { AppLink } from "@/shell/link";
import { useAsOf } from "@/time/use-as-of";
import { Section } from "@/ui/page";
import { ErrorState, Skeleton } from "@/ui/states";
import { CurrentPosts } from "./current-posts";
import { HistorySection } from "./history-section";
import { PersonHead } from "./person-head";
import { PrivateSection } from "./private-section";

export function PersonPage({ id }: { id: number }) {
  const t = useTranslations("person");
  const locale = useLocale();
  const { query } = useAsOf();
  const person = usePerson(id, query);
  const name = person.data && primaryName(person.data.name, locale);

  useEffect(() => {
    if (name) document.title = `${name} | HRX-AI`;
  }, [name]);

  return (
    <>
      <AppLink
        href="/people"
        className="mb-4 inline-flex items-center gap-1.5 text-sm text-soft hover:text-ink"
      >
        <ArrowLeft aria-hidden className="size-4" />
        {t("back")}
      </AppLink>
      {person.isPending ? (
        <Loading />
      ) : person.isError ? (
        <div className="card">
          <ErrorState error={person.error} onRetry={() => void person.refetch()} />
        </div>
      ) : (
        <Loaded person={person.data} />
      )}
    </>
  );
}

function Loaded({ person }: { person: PersonDetail }) {
  const t = useTranslations("person");
  return (
    <div className="space-y-5">
      <PersonHead person={person} />
      <div className="grid gap-5 xl:grid-cols-[minmax(0,1.7fr)_minmax(0,1fr)]">
        <div className="min-w-0 space-y-5">
          <CurrentPosts person={person} />
          <HistorySection person={person} />
        </div>
        <div className="min-w-0 space-y-5">
          {person.reservations.length > 0 && (
            <Section title={t("reservations")} bodyClassName="p-0 py-0 sm:px-0">
              <ul className="divide-y divide-line">
                {person.reservations.map((order) => (
                  <li key={order.id}>
                    <OrderLine order={order} hidesPerson />
                  </li>
                ))}
              </ul>
            </Section>
          )}
          <PrivateSection person={person} />
          <DirectReports person={person} />
        </div>
      </div>
    </div>
  );
}

function DirectReports({ person }: { person: PersonDetail }) {
  const t = useTranslations("person");
  if (!person.direct_reports.length) return null;
  return (
    <Section title={t("reports", { count: person.direct_reports.length })} bodyClassName="p-0 py-0 sm:px-0">
      <ul className="max-h-112 divide-y divide-line overflow-y-auto">
        {person.direct_reports.map((report) => (
          <li key={`${report.id}-${report.is_concurrent}`}>
            <PersonLine person={report} className="px-4 py-2.5 sm:px-5" />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Loading() {
  const t = useTranslations("common");
  return (
    <div role="status" aria-label={t("loading")} className="space-y-5">
      <div className="card flex items-center gap-5 p-6">
        <Skeleton className="size-18 rounded-full" />
        <div className="flex-1 space-y-2">
          <Skeleton className="h-6 w-56" />
          <Skeleton className="h-4 w-72" />
        </div>
      </div>
      <Skeleton className="h-72 w-full rounded-xl" />
    </div>
  );
}
