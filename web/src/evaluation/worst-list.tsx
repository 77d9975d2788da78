"use client";

import { useTranslations } from "next-intl";
import { useState } from "react";
import type { QuestionSet, WorstQuestion } from "@/api/types";
import { writeRange } from "@/documents/text";
import { AppLink } from "@/shell/link";
import { Badge, type Tone } from "@/ui/badge";
import { Select } from "@/ui/field";
import { EmptyState } from "@/ui/states";
import { troubleOf, type Trouble } from "./figures";
import { ExpectedDocuments } from "./question-list";

const TONES: Record<Trouble, Tone> = {
  failed: "danger",
  missed: "danger",
  answered: "danger",
  unsupported: "past",
  silent: "past",
  low: "neutral",
};

interface WorstListProps {
  items: readonly WorstQuestion[];
  sets: readonly QuestionSet[];
  isRunning: boolean;
}

export function WorstList({ items, sets, isRunning }: WorstListProps) {
  const t = useTranslations("evaluation");
  const [setId, setSetId] = useState<number | null>(null);
  const concerned = sets.filter((set) => items.some((one) => one.set_id === set.id));
  const shown = items.filter((one) => setId === null || one.set_id === setId);
  if (items.length === 0) return <EmptyState title={isRunning ? t("noWorstRunning") : t("noWorst")} />;
  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-3 px-4 pt-3 sm:px-5">
        <p className="text-sm text-soft">{t("worstLead")}</p>
        {concerned.length > 1 && (
          <Select
            aria-label={t("filterSet")}
            className="w-full sm:w-64"
            value={setId ?? ""}
            onChange={(event) => setSetId(event.target.value ? Number(event.target.value) : null)}
          >
            <option value="">{t("anySet")}</option>
            {concerned.map((set) => (
              <option key={set.id} value={set.id}>
                {set.name}
              </option>
            ))}
          </Select>
        )}
      </div>
      {shown.length === 0 ? (
        <EmptyState title={t("noWorstOfSet")} />
      ) : (
        <ul aria-label={t("worst")} className="divide-y divide-line">
          {shown.map((one) => (
            <li key={one.question_id} className="px-4 py-4 sm:px-5">
              <Worst one={one} set={sets.find((set) => set.id === one.set_id) ?? null} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Worst({ one, set }: { one: WorstQuestion; set: QuestionSet | null }) {
  const t = useTranslations("evaluation");
  const trouble = troubleOf(one);
  return (
    <>
      <div className="flex flex-wrap items-start gap-x-3 gap-y-1">
        <h3 className="min-w-0 flex-1 basis-64 text-[0.9375rem] font-medium break-words whitespace-pre-wrap">
          {one.question}
        </h3>
        <Badge tone={TONES[trouble]}>
          {trouble === "low" ? t("trouble.low", { place: one.place ?? 0 }) : t(`trouble.${trouble}`)}
        </Badge>
      </div>
      <p className="mt-1 text-[0.8125rem] text-soft">
        <Why one={one} trouble={trouble} />
      </p>
      <dl className="mt-2.5 grid gap-x-6 gap-y-2.5 lg:grid-cols-2">
        <div className="min-w-0">
          <dt className="text-xs text-faint">{t("wanted")}</dt>
          <dd className="text-[0.8125rem]">
            {one.expects === "not_found" ? (
              t("wantedNone")
            ) : one.expected.length === 0 ? (
              t("wantedHidden")
            ) : (
              <ExpectedDocuments expected={one.expected} />
            )}
          </dd>
        </div>
        {trouble !== "failed" && (
          <div className="min-w-0">
            <dt className="text-xs text-faint">{t("came")}</dt>
            <dd className="text-[0.8125rem]">
              <Came came={one.came} />
            </dd>
          </div>
        )}
      </dl>
      {set && (
        <p className="mt-2 text-xs">
          <AppLink
            href={`/evaluation/sets/${set.id}`}
            leavesDate
            className="text-soft underline-offset-2 hover:text-ink hover:underline"
          >
            {t("openSet", { name: set.name })}
          </AppLink>
        </p>
      )}
    </>
  );
}

function Why({ one, trouble }: { one: WorstQuestion; trouble: Trouble }) {
  const t = useTranslations("evaluation");
  if (trouble === "failed") {
    if (one.problem === "evaluation.asker_inactive") return t("failedWhy.asker");
    if (one.problem === "evaluation.nothing_expected") return t("failedWhy.nothing");
    return t("failedWhy.other", { code: one.problem });
  }
  if (trouble === "unsupported")
    return t("troubleHelp.unsupported", {
      sentences: one.sentences,
      unsupported: one.sentences - one.supported,
    });
  return t(`troubleHelp.${trouble}`);
}

/** The best that came, each opening at its place. */
function Came({ came }: { came: WorstQuestion["came"] }) {
  const t = useTranslations("evaluation");
  if (came.length === 0) return <span className="text-soft">{t("cameNone")}</span>;
  return (
    <ol className="mt-1 space-y-0.5">
      {came.map((one, place) => (
        <li key={`${one.version_id} ${one.start_char}`} className="break-words">
          <AppLink
            href={`/documents/${one.document_id}/versions/${one.version_id}?at=${writeRange({ start: one.start_char, end: one.end_char })}`}
            leavesDate
            className="text-pine underline underline-offset-2"
          >
            {t("cameAt", { place: place + 1, title: one.title })}
          </AppLink>
          {one.headings.length > 0 && <span className="text-xs text-soft"> {one.headings.join(" › ")}</span>}
        </li>
      ))}
    </ol>
  );
}
