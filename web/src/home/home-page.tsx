"use client";

import { ArrowRight, CalendarClock, UserMinus, UserPlus, UsersRound, type LucideIcon } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import type { ReactNode } from "react";
import { useHeadcount, useMonthlyMoves } from "@/api/home";
import { useOrders } from "@/api/orders";
import { usePerson } from "@/api/people";
import { useSession } from "@/api/session";
import { OrderLine } from "@/orders/order-line";
import { PersonLine } from "@/people/person-line";
import { AppLink } from "@/shell/link";
import { longDay, wholeNumber } from "@/time/format";
import { useAsOf } from "@/time/use-as-of";
import { Button } from "@/ui/button";
import { PageHead, Section } from "@/ui/page";
import { EmptyState, ErrorState, Skeleton, SkeletonRows } from "@/ui/states";
import { HeadcountTrend } from "./headcount-trend";
import { UnitBars } from "./unit-bars";

export function HomePage() {
  const t = useTranslations("home");
  const locale = useLocale();
  const { user, person_id } = useSession();
  const { day } = useAsOf();
  return (
    <>
      <PageHead
        title={t("greeting", { name: user.display_name })}
        lead={t("lead", { date: longDay(day, locale) })}
      />
      <Figures />
      <div className="mt-5 grid gap-5 xl:grid-cols-[minmax(0,1.55fr)_minmax(0,1fr)]">
        <Section title={t("trend")} aside={<span className="text-xs text-faint">{t("trendHelp")}</span>}>
          <HeadcountTrend />
        </Section>
        <Section title={t("units")}>
          <UnitBars />
        </Section>
        <Reservations />
        {person_id !== null && <MyReports personId={person_id} />}
      </div>
    </>
  );
}

function Figures() {
  const t = useTranslations("home");
  const { day, known } = useAsOf();
  const headcount = useHeadcount(day, known);
  const moves = useMonthlyMoves(day, known);
  const reserved = useOrders({ state: "reserved" });
  const proposed = useOrders({ state: "proposed" });
  const waiting = proposed.data?.pages[0]?.total;
  return (
    <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
      <Figure
        icon={UsersRound}
        label={t("headcount")}
        value={headcount.data}
        unit={(count) => t("people", { count })}
        href="/people"
      />
      <Figure
        icon={UserPlus}
        label={t("joiners")}
        value={moves.joiners ?? undefined}
        unit={(count) => t("people", { count })}
        href={`/people?status=future&sort=hired_on&as_of=${moves.before}`}
      />
      <Figure
        icon={UserMinus}
        label={t("leavers")}
        value={moves.leavers ?? undefined}
        unit={(count) => t("people", { count })}
        href={`/people?status=left&as_of=${moves.end}`}
      />
      <Figure
        icon={CalendarClock}
        label={t("reservations")}
        value={reserved.data?.pages[0]?.total ?? undefined}
        unit={(count) => t("orders", { count })}
        href="/changes?state=reserved"
        note={waiting ? t("waiting", { count: waiting }) : undefined}
      />
    </div>
  );
}

interface FigureProps {
  icon: LucideIcon;
  label: string;
  value: number | undefined;
  /** The word after the figure. */
  unit: (count: number) => string;
  href: string;
  note?: string | undefined;
}

function Figure({ icon: Icon, label, value, unit, href, note }: FigureProps) {
  const locale = useLocale();
  return (
    <AppLink href={href} className="card group block px-4 py-3.5 transition-colors hover:border-pine-line">
      <span className="flex items-center gap-2 text-[0.8125rem] text-soft">
        <Icon aria-hidden className="size-4 shrink-0 text-pine" />
        {label}
      </span>
      <span className="mt-1 flex items-baseline gap-1.5">
        {value === undefined ? (
          <Skeleton className="my-1.5 h-7 w-16" />
        ) : (
          <span className="tabular font-serif text-[1.875rem] leading-tight font-semibold">
            {wholeNumber(value, locale)}
          </span>
        )}
        <span className="text-xs text-faint">{unit(value ?? 0)}</span>
      </span>
      {note && <span className="mt-0.5 block text-xs text-future-ink">{note}</span>}
    </AppLink>
  );
}

function Reservations() {
  const t = useTranslations("home");
  const orders = useOrders({ state: "reserved" });
  const items = orders.data?.pages[0]?.items.slice(0, 6);
  return (
    <Section title={t("upcoming")} aside={<SeeAll href="/changes" />} bodyClassName="p-0 sm:px-0 py-0">
      <Listed
        isPending={orders.isPending}
        error={orders.error}
        onRetry={() => void orders.refetch()}
        isEmpty={items?.length === 0}
        empty={<EmptyState title={t("noUpcoming")}>{t("noUpcomingHelp")}</EmptyState>}
      >
        <ul className="divide-y divide-line">
          {items?.map((order) => (
            <li key={order.id}>
              <OrderLine order={order} />
            </li>
          ))}
        </ul>
      </Listed>
    </Section>
  );
}

function MyReports({ personId }: { personId: number }) {
  const t = useTranslations("home");
  const { query } = useAsOf();
  const me = usePerson(personId, query);
  const reports = me.data?.direct_reports;
  return (
    <Section title={t("reports")} bodyClassName="p-0 sm:px-0 py-0">
      <Listed
        isPending={me.isPending}
        error={me.error}
        onRetry={() => void me.refetch()}
        isEmpty={reports?.length === 0}
        empty={<EmptyState title={t("noReports")} />}
      >
        <ul className="max-h-96 divide-y divide-line overflow-y-auto">
          {reports?.map((person) => (
            <li key={person.id}>
              <PersonLine person={person} className="px-4 py-2.5 sm:px-5" />
            </li>
          ))}
        </ul>
      </Listed>
    </Section>
  );
}

interface ListedProps {
  isPending: boolean;
  error: unknown;
  onRetry: () => void;
  isEmpty: boolean;
  empty: ReactNode;
  children: ReactNode;
}

/** Loading, failed, empty or filled. */
function Listed({ isPending, error, onRetry, isEmpty, empty, children }: ListedProps) {
  if (isPending) return <SkeletonRows rows={4} />;
  if (error) return <ErrorState error={error} onRetry={onRetry} />;
  return isEmpty ? empty : children;
}

function SeeAll({ href }: { href: string }) {
  const t = useTranslations("home");
  return (
    <Button asChild look="link" size="small">
      <AppLink href={href}>
        {t("seeAll")}
        <ArrowRight aria-hidden />
      </AppLink>
    </Button>
  );
}
