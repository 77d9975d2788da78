"use client";

import { Download } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useState } from "react";
import type { useImportSteps } from "@/api/imports";
import type { ImportJob } from "@/api/types";
import { wholeNumber } from "@/time/format";
import { Button } from "@/ui/button";
import { Checkbox } from "@/ui/checkbox";
import { ErrorNote } from "@/ui/states";
import { CountCards } from "./count-cards";
import { CheckedRows } from "./checked-rows";

interface CheckedStepProps {
  job: ImportJob;
  commit: ReturnType<typeof useImportSteps>["commit"];
  onRemap: () => void;
}

/** What the file would do, row by row, before anything is stored. */
export function CheckedStep({ job, commit, onRemap }: CheckedStepProps) {
  const t = useTranslations("imports");
  const locale = useLocale();
  const [skipsErrors, setSkipsErrors] = useState(false);
  const errors = job.counts.error ?? 0;
  const effective = (job.counts.create ?? 0) + (job.counts.update ?? 0);
  const mayCommit = effective > 0 && (errors === 0 || skipsErrors);
  return (
    <div className="space-y-5">
      <CountCards counts={job.counts} />
      <Creations job={job} />
      <CheckedRows job={job} />
      <div className="card sticky bottom-16 flex flex-wrap items-center gap-x-4 gap-y-3 px-4 py-3 shadow-float sm:px-5 lg:bottom-3">
        <div className="min-w-52 flex-1">
          <p className="text-sm font-medium">
            {errors > 0
              ? t("hasErrors", { count: wholeNumber(errors, locale) })
              : effective > 0
                ? t("noErrors")
                : t("nothingToDo")}
          </p>
          {errors > 0 && effective > 0 && (
            <Checkbox
              label={t("skipErrors")}
              checked={skipsErrors}
              onChange={(event) => setSkipsErrors(event.target.checked)}
              className="mt-1"
            />
          )}
          <ErrorNote error={commit.error} className="mt-2" />
        </div>
        <div className="flex flex-wrap gap-2">
          {errors > 0 && (
            <Button asChild>
              <a href={`/api/v1/imports/${job.id}/errors.csv`} download>
                <Download aria-hidden />
                {t("downloadErrors")}
              </a>
            </Button>
          )}
          <Button onClick={onRemap}>{t("remap")}</Button>
          <Button
            look="primary"
            disabled={!mayCommit}
            isBusy={commit.isPending}
            onClick={() => commit.mutate({ skipErrors: skipsErrors })}
          >
            {t("commit", { count: wholeNumber(effective, locale) })}
          </Button>
        </div>
      </div>
    </div>
  );
}

/** Units and positions that are not on record yet and would be made. */
function Creations({ job }: { job: ImportJob }) {
  const t = useTranslations("imports");
  const groups = [
    { label: t("newUnits"), names: job.creations.units ?? [] },
    { label: t("newPositions"), names: job.creations.positions ?? [] },
  ].filter(({ names }) => names.length > 0);
  if (!groups.length) return null;
  return (
    <section className="rounded-xl border border-past/50 bg-past-tint px-4 py-3 text-sm text-past-ink sm:px-5">
      {groups.map(({ label, names }) => (
        <details key={label} className="py-1">
          <summary className="cursor-pointer font-medium">
            {label}（{names.length}）
          </summary>
          <ul className="mt-1 max-h-52 columns-1 overflow-y-auto pl-4 sm:columns-2">
            {names.map((name) => (
              <li key={name} className="truncate">
                {name}
              </li>
            ))}
          </ul>
        </details>
      ))}
    </section>
  );
}
