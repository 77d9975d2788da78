"use client";

import { CalendarDays, ChevronDown } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { usePathname } from "next/navigation";
import { useId, useState } from "react";
import { Button } from "@/ui/button";
import { cn } from "@/ui/cn";
import { Popover } from "@/ui/popover";
import { isDated } from "./dated-pages";
import { addMonths, firstOfMonth, fiscalYearStart, isDay, type Day } from "./days";
import { eraYear, longDay } from "./format";
import { useAsOf } from "./use-as-of";

/** The date of everything on the page, and the way to another one. */
export function AsOfControl() {
  const t = useTranslations("asOf");
  const locale = useLocale();
  const pathname = usePathname();
  const [isOpen, setIsOpen] = useState(false);
  const { day, tense, known } = useAsOf();
  if (!isDated(pathname)) return null;
  const date = longDay(day, locale);
  return (
    <Popover
      isOpen={isOpen}
      onOpenChange={setIsOpen}
      label={t("title")}
      trigger={
        <button
          type="button"
          className={cn(
            "flex h-9 min-w-0 items-center gap-2 rounded-lg border px-3 text-sm font-medium",
            tense === "today" && !known && "border-pine-line bg-pine-tint text-pine-deep hover:border-pine",
            tense === "past" && "border-past bg-past-tint text-past-ink",
            tense === "today" && known && "border-past bg-past-tint text-past-ink",
            tense === "future" && "border-future bg-future-tint text-future-ink",
          )}
        >
          <CalendarDays aria-hidden className="size-4 shrink-0" />
          <span className="sr-only">{t("control")}</span>
          {tense === "today" && <span>{t("today")}</span>}
          <span className={cn("tabular truncate", tense === "today" && "font-normal max-[420px]:hidden")}>
            {date}
          </span>
          <ChevronDown aria-hidden className="size-3.5 shrink-0 opacity-70" />
        </button>
      }
    >
      <AsOfForm onDone={() => setIsOpen(false)} />
    </Popover>
  );
}

function AsOfForm({ onDone }: { onDone: () => void }) {
  const t = useTranslations("asOf");
  const locale = useLocale();
  const id = useId();
  const { day, known, today, set } = useAsOf();
  const [chosen, setChosen] = useState<string>(day);
  const [chosenKnown, setChosenKnown] = useState(known ? toLocalInput(known) : "");
  const isValid = isDay(chosen);

  function show(next: Day, nextKnown: string | null) {
    set({ on: next, known: nextKnown });
    onDone();
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (isValid) show(chosen, chosenKnown ? new Date(chosenKnown).toISOString() : null);
      }}
    >
      <p className="font-serif font-semibold">{t("title")}</p>
      <p className="mt-0.5 text-xs text-soft">{t("help")}</p>
      <Shortcuts today={today} onChoose={(next) => show(next, known)} />
      <label htmlFor={`${id}-on`} className="mt-4 mb-1 block text-xs font-medium text-soft">
        {t("anyDate")}
      </label>
      <input
        id={`${id}-on`}
        type="date"
        required
        min="1900-01-01"
        max="2199-12-31"
        value={chosen}
        onChange={(event) => setChosen(event.target.value)}
        className="tabular h-10 w-full rounded-lg border border-edge/70 bg-surface px-3"
      />
      {locale === "ja" && isValid && <p className="mt-1 text-xs text-faint">{eraYear(chosen)}</p>}
      <details className="mt-3 rounded-lg border border-line px-3 py-2" open={Boolean(known)}>
        <summary className="cursor-pointer text-xs font-medium text-soft">{t("advanced")}</summary>
        <p className="mt-2 text-xs text-soft">{t("knownHelp")}</p>
        <label htmlFor={`${id}-known`} className="mt-2 mb-1 block text-xs font-medium text-soft">
          {t("knownOn")}
        </label>
        <input
          id={`${id}-known`}
          type="datetime-local"
          value={chosenKnown}
          onChange={(event) => setChosenKnown(event.target.value)}
          className="tabular h-10 w-full rounded-lg border border-edge/70 bg-surface px-3 text-sm"
        />
        {chosenKnown && (
          <Button look="link" size="small" className="mt-1 text-xs" onClick={() => setChosenKnown("")}>
            {t("knownNow")}
          </Button>
        )}
      </details>
      <Button type="submit" look="primary" className="mt-4 w-full" disabled={!isValid}>
        {t("show")}
      </Button>
    </form>
  );
}

function Shortcuts({ today, onChoose }: { today: Day; onChoose: (day: Day) => void }) {
  const t = useTranslations("asOf");
  const choices = [
    ["today", today],
    ["fiscalYear", fiscalYearStart(today)],
    ["yearAgo", addMonths(today, -12)],
    ["nextMonth", addMonths(firstOfMonth(today), 1)],
  ] as const;
  return (
    <div className="mt-3 grid grid-cols-2 gap-1.5">
      {choices.map(([name, day]) => (
        <Button key={name} size="small" onClick={() => onChoose(day)}>
          {t(name)}
        </Button>
      ))}
    </div>
  );
}

/** The form that <input type="datetime-local"> takes: local time without a zone. */
function toLocalInput(known: string): string {
  const at = new Date(known);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
