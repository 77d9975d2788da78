"use client";

import { History, Telescope } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { usePathname } from "next/navigation";
import { useSession } from "@/api/session";
import { cn } from "@/ui/cn";
import { isDated } from "./dated-pages";
import { eraYear, longDay, moment } from "./format";
import { useAsOf } from "./use-as-of";

/** Unmistakable when the page is not about today: nobody may take last year's chart for this one. */
export function AsOfBanner() {
  const t = useTranslations("asOf");
  const locale = useLocale();
  const { tenant } = useSession();
  const hasDate = isDated(usePathname());
  const { day, tense, known, isNow, set } = useAsOf();
  if (isNow || !hasDate) return null;
  const isFuture = tense === "future";
  const Icon = isFuture ? Telescope : History;
  const date = locale === "ja" ? `${longDay(day, locale)}（${eraYear(day)}）` : longDay(day, locale);
  return (
    <div
      role="status"
      className={cn(
        "sticky top-14 z-20 flex flex-wrap items-center gap-x-3 gap-y-1 border-b-2 px-4 py-2 text-sm sm:px-6",
        isFuture ? "border-future bg-future-tint text-future-ink" : "border-past bg-past-tint text-past-ink",
      )}
    >
      <Icon aria-hidden className="size-4 shrink-0" />
      <p className="min-w-0 flex-1">
        <strong className="font-semibold">
          {tense === "today" ? t("bannerToday") : t(isFuture ? "bannerFuture" : "bannerPast", { date })}
        </strong>
        {known && (
          <span className="ml-2">
            {t("bannerKnown", { moment: moment(known, locale, tenant.time_zone) })}
          </span>
        )}
      </p>
      <button
        type="button"
        onClick={() => set({ on: null, known: null })}
        className="rounded-md border border-current px-2.5 py-1 text-xs font-medium hover:bg-surface/60"
      >
        {t("backToToday")}
      </button>
    </div>
  );
}
