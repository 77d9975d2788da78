"use client";

import { useLocale, useTranslations } from "next-intl";
import { dayRange } from "@/time/format";
import { useAsOf } from "@/time/use-as-of";
import { cn } from "@/ui/cn";
import { lastDay, type Bar, type Timeline } from "./timeline";

const TONES = {
  past: "bg-past-tint text-past-ink border-past/50",
  today: "bg-pine text-on-pine border-pine",
  future: "bg-future-tint text-future-ink border-future border-dashed",
};

const LAST_LABEL = 0.92;

/** Posts as bars along the years. Pressing a bar shows the whole product as of its first day. */
export function TimelineChart({ timeline }: { timeline: Timeline }) {
  const t = useTranslations("person");
  return (
    <div className="relative pt-6 pb-1" role="group" aria-label={t("timeline")}>
      <div aria-hidden className="pointer-events-none absolute inset-0">
        {timeline.years.map(({ year, at }) => (
          <span
            key={year}
            style={{ left: `${at * 100}%` }}
            className="tabular absolute top-0 bottom-0 border-l border-line pl-1 text-[0.6875rem] leading-4 text-faint"
          >
            {/* Too close to the right edge a number would leave the card. */}
            {at < LAST_LABEL && year}
          </span>
        ))}
      </div>
      <ol className="relative space-y-1.5">
        {timeline.lanes.map((lane, at) => (
          <li key={at}>
            <ol className="relative h-11">
              {lane.map((bar) => (
                <BarButton key={bar.assignment.id} bar={bar} />
              ))}
            </ol>
          </li>
        ))}
      </ol>
      <Marker at={timeline.today} className="border-pine" />
      {timeline.shown !== timeline.today && (
        <Marker
          at={timeline.shown}
          className={timeline.shown < timeline.today ? "border-past" : "border-future"}
        />
      )}
    </div>
  );
}

function Marker({ at, className }: { at: number; className: string }) {
  return (
    <div
      aria-hidden
      style={{ left: `${at * 100}%` }}
      className={cn("pointer-events-none absolute top-5 bottom-0 border-l-2", className)}
    />
  );
}

function BarButton({ bar }: { bar: Bar }) {
  const t = useTranslations("person");
  const locale = useLocale();
  const { set } = useAsOf();
  const { assignment, tense } = bar;
  const last = lastDay(assignment);
  const title = [assignment.org_unit.name, assignment.position?.title].filter(Boolean).join(" ");
  const period = dayRange(assignment.valid_from, last, locale);
  return (
    <li
      className="absolute inset-y-0"
      style={{ left: `${bar.from * 100}%`, width: `max(6px, ${(bar.to - bar.from) * 100}% - 2px)` }}
    >
      <button
        type="button"
        title={`${title}\n${period}`}
        onClick={() => set({ on: assignment.valid_from })}
        className={cn(
          "flex size-full flex-col justify-center overflow-hidden border px-2 text-left text-xs leading-tight transition-[filter] hover:brightness-95",
          bar.isOpen ? "rounded-l-md border-r-0" : "rounded-md",
          TONES[tense],
          assignment.kind === "concurrent" &&
            tense === "today" &&
            "border-pine-line bg-pine-tint text-pine-deep",
        )}
      >
        <span className="truncate font-medium">{assignment.org_unit.name}</span>
        <span className="truncate opacity-90">{assignment.position?.title}</span>
        <span className="sr-only">
          {period} {t("showThen")}
        </span>
      </button>
    </li>
  );
}
