"use client";

import { useLocale, useTranslations } from "next-intl";
import { useSearchWeights } from "@/api/evaluation";
import { useSession } from "@/api/session";
import type { EvaluationRun, SearchWeights } from "@/api/types";
import { moment } from "@/time/format";
import { Badge } from "@/ui/badge";
import { Section } from "@/ui/page";
import { ErrorState, SkeletonRows } from "@/ui/states";
import { sharesOf } from "./figures";

const LEGS = ["terms", "grams", "dense"] as const;
const FILLS = { terms: "fill-pine", grams: "fill-pine-line", dense: "fill-edge" };
const DOTS = { terms: "bg-pine", grams: "bg-pine-line", dense: "bg-edge" };

/** How questions are searched now, and where that comes from, in words. */
export function WeightsSection({ newest }: { newest: EvaluationRun | null }) {
  const t = useTranslations("evaluation");
  const weights = useSearchWeights();
  return (
    <Section title={t("weights")}>
      <p className="mb-4 text-sm text-soft">{t("weightsLead")}</p>
      {weights.isPending ? (
        <SkeletonRows rows={2} />
      ) : weights.isError ? (
        <ErrorState error={weights.error} onRetry={() => void weights.refetch()} />
      ) : (
        <ul className="grid gap-6 lg:grid-cols-2">
          {weights.data.items.map((one) => (
            <li key={one.language}>
              <OfLanguage weights={one} questions={countQuestions(newest, one.language)} />
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

/** Questions of a language that name a passage: those that weights can be learned from. */
function countQuestions(run: EvaluationRun | null, language: SearchWeights["language"]): number {
  return run?.figures.find((one) => one.language === language && one.measure === "hit")?.counted ?? 0;
}

function OfLanguage({ weights, questions }: { weights: SearchWeights; questions: number }) {
  const t = useTranslations("evaluation");
  const shares = sharesOf(weights);
  const starts = { terms: 0, grams: shares.terms, dense: shares.terms + shares.grams };
  return (
    <>
      <h3 className="mb-2 flex flex-wrap items-center gap-2 text-sm font-medium">
        {t(`language.${weights.language}`)}
        {weights.learned_at && <Badge tone="today">{t("learned")}</Badge>}
      </h3>
      <svg
        aria-hidden
        viewBox="0 0 100 2"
        preserveAspectRatio="none"
        className="h-2.5 w-full overflow-hidden rounded-full bg-sunken"
      >
        {LEGS.map((leg) => (
          <rect key={leg} x={starts[leg]} width={shares[leg]} height="2" className={FILLS[leg]} />
        ))}
      </svg>
      <ul className="mt-2.5 space-y-1 text-[0.8125rem]">
        {LEGS.map((leg) => (
          <li key={leg} className="flex items-baseline gap-x-2">
            <span aria-hidden className={`size-2 shrink-0 rounded-full ${DOTS[leg]}`} />
            <span className="tabular shrink-0">
              {t("legShare", { leg: t(`leg.${leg}`), share: shares[leg] })}
            </span>
            <span className="text-xs text-faint">
              {shares[leg] > 0 ? t(`legHelp.${leg}`) : t("legUnused")}
            </span>
          </li>
        ))}
      </ul>
      <Origin weights={weights} questions={questions} />
    </>
  );
}

function Origin({ weights, questions }: { weights: SearchWeights; questions: number }) {
  const t = useTranslations("evaluation");
  const locale = useLocale();
  const { tenant } = useSession();
  const { learned_at: at, mrr, mrr_before: before } = weights;
  const score = new Intl.NumberFormat(locale, { minimumFractionDigits: 3, maximumFractionDigits: 3 });
  const gain = new Intl.NumberFormat(locale, { minimumFractionDigits: 3, signDisplay: "always" });
  return (
    <p className="mt-2.5 text-xs text-soft">
      {at && typeof mrr === "number" && typeof before === "number" ? (
        t("learnedHelp", {
          at: moment(at, locale, tenant.time_zone),
          count: weights.questions ?? 0,
          before: score.format(before),
          after: score.format(mrr),
          gain: gain.format(Math.round((mrr - before) * 1000) / 1000),
        })
      ) : (
        <>
          <span className="font-medium text-ink">{t("delivered")}</span>{" "}
          {t("deliveredHelp", { count: questions })}
        </>
      )}
    </p>
  );
}
