"use client";

import { useLocale, useTranslations } from "next-intl";
import { useTrend, type TrendPoint } from "@/api/home";
import { eraYear, longDay, wholeNumber } from "@/time/format";
import { useAsOf } from "@/time/use-as-of";
import { cn } from "@/ui/cn";
import { Skeleton } from "@/ui/states";

const WIDTH = 720;
const HEIGHT = 320;
const FLOOR = 288;
const LOWEST_Y = 240;
const CEILING = 48;

/** Months as dots on a line, in the colours of time; the same figures as a table for those who cannot see them. */
export function HeadcountTrend() {
  const t = useTranslations("home");
  const locale = useLocale();
  const { day, known, today } = useAsOf();
  const { points, isPending } = useTrend(day, known);
  if (isPending) return <Skeleton className="h-72 w-full" />;
  const dots = plot(points);
  const past = dots.filter(({ point }) => point.day <= today);
  // The plan goes on from where the record ends.
  const ahead = [...past.slice(-1), ...dots.filter(({ point }) => point.day > today)];
  return (
    <>
      <svg aria-hidden viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className="h-auto w-full">
        <line x1="0" x2={WIDTH} y1={FLOOR} y2={FLOOR} className="stroke-line" />
        <path d={linePath(past)} fill="none" className="stroke-pine-line" strokeWidth="3" />
        <path
          d={linePath(ahead)}
          fill="none"
          className="stroke-future/60"
          strokeWidth="3"
          strokeDasharray="2 7"
          strokeLinecap="round"
        />
        {dots.map((dot, at) => (
          <Month
            key={dot.point.day}
            dot={dot}
            className={colour(dot.point.day, today, day)}
            isMinor={at % 2 === 0}
          />
        ))}
      </svg>
      <table className="sr-only">
        <caption>{t("trend")}</caption>
        <tbody>
          {points.map((point) => (
            <tr key={point.day}>
              <th scope="row">
                {longDay(point.day, locale)} {locale === "ja" && eraYear(point.day)}
              </th>
              <td>{point.count}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <ul className="mt-2 flex flex-wrap gap-x-4 gap-y-1 text-xs text-soft">
        <Legend className="bg-pine-line">{t("legendPast")}</Legend>
        <Legend className={day < today ? "bg-past" : day > today ? "bg-future" : "bg-pine"}>
          {t("legendNow")}
        </Legend>
        {points.some((point) => point.day > today) && (
          <Legend className="bg-future/55">{t("legendFuture")}</Legend>
        )}
      </ul>
    </>
  );
}

interface Dot {
  readonly point: TrendPoint;
  readonly x: number;
  readonly y: number;
}

/** `isMinor`: a phone has no room for its name and its figure. */
function Month({ dot, className, isMinor }: { dot: Dot; className: string; isMinor: boolean }) {
  const locale = useLocale();
  const { point, x, y } = dot;
  return (
    <g className={cn(isMinor && "max-sm:[&_text]:hidden")}>
      <circle cx={x} cy={y} r="7" className={cn("stroke-surface", className)} strokeWidth="3" />
      <text x={x} y={y - 17} textAnchor="middle" className="fill-soft text-[13px] tabular max-sm:text-[22px]">
        {point.count === undefined ? "" : wholeNumber(point.count, locale)}
      </text>
      <text x={x} y={FLOOR + 24} textAnchor="middle" className="fill-faint text-[13px] max-sm:text-[22px]">
        {locale === "ja" ? `${Number(point.day.slice(5, 7))}月` : shortMonth(point.day)}
      </text>
    </g>
  );
}

function Legend({ className, children }: { className: string; children: string }) {
  return (
    <li className="flex items-center gap-1.5">
      <span aria-hidden className={cn("size-2.5 rounded-full", className)} />
      {children}
    </li>
  );
}

function colour(month: string, today: string, shown: string): string {
  if (month.slice(0, 7) === shown.slice(0, 7))
    return shown < today ? "fill-past" : shown > today ? "fill-future" : "fill-pine";
  return month > today ? "fill-future/55" : "fill-pine-line";
}

/** Three letters each: Intl gives "Sept" in British English, which is wider than its neighbours. */
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

function shortMonth(day: string): string {
  return MONTHS[Number(day.slice(5, 7)) - 1] ?? "";
}

/**
 * A line and not bars: months differ by a few per cent, so the scale cannot start at zero, and a bar that does not
 * start at zero lies about its size. The lowest month stays clear of the floor.
 */
function plot(points: readonly TrendPoint[]): Dot[] {
  const counts = points.map((point) => point.count ?? 0);
  const lowest = Math.min(...counts);
  const span = Math.max(Math.max(...counts) - lowest, 4);
  const slot = WIDTH / points.length;
  return points.map((point, at) => ({
    point,
    x: (at + 0.5) * slot,
    y: LOWEST_Y - (((point.count ?? 0) - lowest) / span) * (LOWEST_Y - CEILING),
  }));
}

function linePath(dots: readonly Dot[]): string {
  return dots.map(({ x, y }, at) => `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}
