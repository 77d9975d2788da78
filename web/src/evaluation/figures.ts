import type { Locale } from "@/i18n/locales";
import type { EvaluationFigure, SearchWeights, WorstQuestion } from "@/api/types";

export type Measure = EvaluationFigure["measure"];

/** Measures in the order in which they are shown; `first` tells little beside the two before it. */
export const SHOWN = ["hit", "mrr", "supported", "not_found"] as const satisfies readonly Measure[];
export type Shown = (typeof SHOWN)[number];

export interface Spoken {
  readonly language: EvaluationFigure["language"];
  readonly figures: readonly (EvaluationFigure & { readonly measure: Shown })[];
}

/** The figures that are shown, by language, in one order. */
export function byLanguage(figures: readonly EvaluationFigure[]): Spoken[] {
  return (["ja", "en"] as const)
    .map((language) => ({
      language,
      figures: SHOWN.flatMap((measure) =>
        figures
          .filter((one) => one.language === language && one.measure === measure)
          .map((one) => ({ ...one, measure })),
      ),
    }))
    .filter((one) => one.figures.length > 0);
}

/** "87.5%"; a mean of 1 / place is no share and stays a number: "0.82". */
export function valueText({ measure, value }: EvaluationFigure, locale: Locale): string {
  return new Intl.NumberFormat(
    locale,
    measure === "mrr"
      ? { minimumFractionDigits: 2, maximumFractionDigits: 2 }
      : { style: "percent", maximumFractionDigits: 1 },
  ).format(value);
}

export interface Change {
  readonly direction: "better" | "worse" | "same";
  /** Signed: "+1.5" points of a hundred, or "−0.02". */
  readonly text: string;
}

/** Against the runs before, over the questions that were asked both times; null where none was. */
export function changeOf({ measure, lost }: EvaluationFigure, locale: Locale): Change | null {
  if (lost === null || lost === undefined) return null;
  const digits = measure === "mrr" ? 2 : 1;
  const scale = 10 ** digits;
  // Rounded first: what is shown as nothing is nothing. Not -0 either.
  const gain = Math.round(-lost * (measure === "mrr" ? 1 : 100) * scale) / scale || 0;
  const text = new Intl.NumberFormat(locale, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    signDisplay: "exceptZero",
  }).format(gain);
  return { direction: gain > 0 ? "better" : gain < 0 ? "worse" : "same", text };
}

export type Trouble = "failed" | "missed" | "answered" | "unsupported" | "silent" | "low";

/** What went wrong with a question, the gravest of it. */
export function troubleOf(one: WorstQuestion): Trouble {
  if (one.mode === "failed") return "failed";
  if (one.expects === "not_found") return one.mode === "not_found" ? "unsupported" : "answered";
  if (one.place === null || one.place === undefined) return "missed";
  if (one.mode === "not_found") return "silent";
  return one.supported < one.sentences ? "unsupported" : "low";
}

/** Shares of a hundred, whole numbers whose sum is a hundred. */
export function sharesOf({ terms, grams, dense }: Pick<SearchWeights, "terms" | "grams" | "dense">) {
  const sum = terms + grams + dense || 1;
  const [byGrams, byMeaning] = [Math.round((grams / sum) * 100), Math.round((dense / sum) * 100)];
  return { terms: 100 - byGrams - byMeaning, grams: byGrams, dense: byMeaning };
}

/** Where in a file a problem is: "rows.5.question" is line 5, "questions.2.…" the third question. */
export function placeInFile(field: string): { kind: "line" | "question"; number: number } | null {
  const found = /^(rows|questions)\.(\d+)\b/.exec(field);
  if (!found) return null;
  const number = Number(found[2]);
  return found[1] === "rows" ? { kind: "line", number } : { kind: "question", number: number + 1 };
}
