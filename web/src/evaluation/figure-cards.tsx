"use client";

import { ArrowDownRight, ArrowUpRight } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import type { EvaluationFigure } from "@/api/types";
import { cn } from "@/ui/cn";
import { byLanguage, changeOf, valueText } from "./figures";

/** Figures of a run, large, with what each of them means. */
export function FigureCards({ figures }: { figures: readonly EvaluationFigure[] }) {
  const t = useTranslations("evaluation");
  const locale = useLocale();
  return (
    <div className="space-y-5">
      {byLanguage(figures).map(({ language, figures: spoken }) => (
        <div key={language}>
          <h3 className="mb-2 text-[0.8125rem] font-medium text-soft">{t(`language.${language}`)}</h3>
          <dl className="grid grid-cols-2 gap-x-4 gap-y-4 sm:gap-x-6 xl:grid-cols-4">
            {spoken.map((figure) => (
              <div key={figure.measure} className="min-w-0 border-l-2 border-pine-line pl-3">
                <dt className="text-[0.8125rem]">{t(`measure.${figure.measure}`)}</dt>
                <dd>
                  <span className="flex flex-wrap items-baseline gap-x-2.5">
                    <span className="tabular font-serif text-2xl font-semibold">
                      {valueText(figure, locale)}
                    </span>
                    <ChangeText figure={figure} />
                  </span>
                  <span className="mt-0.5 block text-xs text-faint">
                    {t(`measureHelp.${figure.measure}`)}
                    {locale === "ja" ? "（" : " ("}
                    {t(`counted.${figure.measure}`, { count: figure.counted })}
                    {locale === "ja" ? "）" : ")"}
                  </span>
                </dd>
              </div>
            ))}
          </dl>
        </div>
      ))}
      <p className="text-xs text-faint">{t("comparedHelp")}</p>
    </div>
  );
}

/** The same in one line for each language, for lists. */
export function FigureLine({ figures }: { figures: readonly EvaluationFigure[] }) {
  const t = useTranslations("evaluation");
  const locale = useLocale();
  const languages = byLanguage(figures);
  return (
    <span className="block space-y-1">
      {languages.map(({ language, figures: spoken }) => (
        <span key={language} className="flex flex-wrap items-baseline gap-x-4 gap-y-0.5 text-[0.8125rem]">
          {languages.length > 1 && (
            <span className="w-14 text-xs text-faint">{t(`language.${language}`)}</span>
          )}
          {spoken.map((figure) => (
            <span key={figure.measure} className="inline-flex flex-wrap items-baseline gap-x-1.5">
              <span className="text-xs text-soft">{t(`short.${figure.measure}`)}</span>
              <span className="tabular font-medium">{valueText(figure, locale)}</span>
              <ChangeText figure={figure} isShort />
            </span>
          ))}
        </span>
      ))}
    </span>
  );
}

interface ChangeTextProps {
  figure: EvaluationFigure;
  /** In a list, what did not change needs no words. */
  isShort?: boolean;
}

/** How it moved against the runs before: an arrow to see, words to hear. */
function ChangeText({ figure, isShort }: ChangeTextProps) {
  const t = useTranslations("evaluation");
  const locale = useLocale();
  const change = changeOf(figure, locale);
  if (isShort && (!change || change.direction === "same")) return null;
  if (!change) return <span className="text-xs text-faint">{t("noBefore")}</span>;
  if (change.direction === "same") return <span className="text-xs text-faint">{t("noChange")}</span>;
  const isBetter = change.direction === "better";
  const Icon = isBetter ? ArrowUpRight : ArrowDownRight;
  return (
    <span
      className={cn(
        "tabular inline-flex items-center gap-0.5 text-xs font-medium",
        isBetter ? "text-pine" : "text-danger",
      )}
    >
      <Icon aria-hidden className="size-3.5" />
      <span className="sr-only">{t(change.direction)} </span>
      {figure.measure === "mrr" || isShort ? change.text : t("points", { change: change.text })}
    </span>
  );
}
