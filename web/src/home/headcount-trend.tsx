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
const CEILING = 26;

/** Months as bars in the colours of time; the same figures as a table for those who cannot see them. */
export function HeadcountTrend() {
  const t = useTranslations("home");
  const locale = useLocale();
  const { day, known, today } = useAsOf();
  const { points, isPending } = useTrend(day, known);
  if (isPending) return <Skeleton className="h-72 w-full" />;
  return (
    <>
      <svg aria-hidden viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className="h-auto w-full">
        <line x1="0" x2={WIDTH} y1={FLOOR} y2={FLOOR} className="stroke-line" />
        {bars(points).map(({ point, x, y, width }, at) => (
          <g key={point.day}>
            <rect
              x={x}
              y={y}
              width={width}
              height={FLOOR - y}
              rx="4"
              className={cn(barColour(point.day, today, day))}
            />
            <text
              x={x + width / 2}
              y={y - 7}
              textAnchor="middle"
              className="fill-soft text-[13px] tabular max-sm:hidden"
            >
              {point.count === undefined ? "" : wholeNumber(point.count, locale)}
            </text>
            <text
              x={x + width / 2}
              y={FLOOR + 20}
              textAnchor="middle"
              className={cn("fill-faint text-[13px] max-sm:text-[22px]", at % 2 === 0 && "max-sm:hidden")}
            >
              {locale === "ja" ? `${Number(point.day.slice(5, 7))}月` : shortMonth(point.day)}
            </text>
          </g>
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

function Legend({ className, children }: { className: string; children: string }) {
  return (
    <li className="flex items-center gap-1.5">
      <span aria-hidden className={cn("size-2.5 rounded-sm", className)} />
      {children}
    </li>
  );
}

function barColour(month: string, today: string, shown: string): string {
  if (month.slice(0, 7) === shown.slice(0, 7))
    return shown < today ? "fill-past" : shown > today ? "fill-future" : "fill-pine";
  return month > today ? "fill-future/55" : "fill-pine-line";
}

function shortMonth(day: string): string {
  return new Intl.DateTimeFormat("en-GB", { month: "short", timeZone: "UTC" }).format(
    new Date(`${day}T00:00:00Z`),
  );
}

/**
 * Bars do not start at zero: months differ by a few per cent, and nobody compares areas here. The lowest month
 * keeps a third of the height, so that no bar looks like nothing.
 */
function bars(points: readonly TrendPoint[]) {
  const counts = points.map((point) => point.count ?? 0);
  const highest = Math.max(...counts, 1);
  const lowest = Math.min(...counts);
  const base = Math.max(0, lowest - (highest - lowest || highest) / 2);
  const slot = WIDTH / points.length;
  const width = Math.min(36, slot * 0.62);
  return points.map((point, at) => {
    const share = ((point.count ?? 0) - base) / (highest - base || 1);
    return { point, width, x: at * slot + (slot - width) / 2, y: FLOOR - share * (FLOOR - CEILING) };
  });
}
