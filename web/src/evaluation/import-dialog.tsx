"use client";

import { Download } from "lucide-react";
import { useTranslations } from "next-intl";
import { useId, useState } from "react";
import { useEvaluationSteps } from "@/api/evaluation";
import { ApiProblem, type FieldProblem } from "@/api/problem";
import { FormDialog } from "@/actions/form-dialog";
import { Button } from "@/ui/button";
import { useToast } from "@/ui/toast";
import { placeInFile } from "./figures";

const COLUMNS = ["question", "language", "expects", "document", "quote"] as const;
/** A list longer than this helps nobody: they mend the first ones and see what is left. */
const MOST_PROBLEMS = 20;

/** Questions of a spreadsheet, all of them or none. */
export function ImportDialog({ setId, onClose }: { setId: number; onClose: () => void }) {
  const t = useTranslations("evaluation");
  const announce = useToast();
  const { importQuestions } = useEvaluationSteps();
  const id = useId();
  const [file, setFile] = useState<File | null>(null);
  const error = importQuestions.error;
  return (
    <FormDialog
      title={t("importTitle")}
      description={t("importLead")}
      submitLabel={t("importSend")}
      onSubmit={() =>
        file &&
        importQuestions.mutate(
          { setId, file },
          {
            onSuccess: ({ questions }) => {
              announce(t("imported", { count: questions }));
              onClose();
            },
          },
        )
      }
      onClose={onClose}
      isBusy={importQuestions.isPending}
      isReady={file !== null}
      error={error}
    >
      <div className="space-y-3 sm:col-span-2">
        <p className="text-sm">{t("importColumns")}</p>
        <dl className="grid gap-x-4 gap-y-1 text-[0.8125rem] sm:grid-cols-[6rem_minmax(0,1fr)]">
          {COLUMNS.map((column) => (
            <div key={column} className="contents">
              <dt className="font-medium">{t(`importColumn.${column}`)}</dt>
              <dd className="text-soft max-sm:mb-1">{t(`importColumnHelp.${column}`)}</dd>
            </div>
          ))}
        </dl>
        <Template />
        <div className="flex flex-wrap items-center gap-3 rounded-lg border border-dashed border-edge/60 px-4 py-3">
          <input
            id={id}
            type="file"
            accept=".csv,.json,text/csv,application/json"
            aria-describedby={file ? `${id}-name` : undefined}
            className="peer sr-only"
            onChange={(event) => {
              setFile(event.target.files?.[0] ?? null);
              importQuestions.reset();
              // The same file may be chosen again after it was put right.
              event.target.value = "";
            }}
          />
          <label
            htmlFor={id}
            className="inline-flex h-10 items-center rounded-lg border border-line bg-surface px-4 text-sm font-medium peer-focus-visible:outline-2 peer-focus-visible:outline-offset-2 peer-focus-visible:outline-pine hover:bg-sunken"
          >
            {t("importChoose")}
          </label>
          {file && (
            <span id={`${id}-name`} className="min-w-0 text-sm break-all">
              {t("importChosen", { name: file.name })}
            </span>
          )}
        </div>
        {error instanceof ApiProblem && error.errors.length > 0 && <Problems problems={error.errors} />}
      </div>
    </FormDialog>
  );
}

/** An example to write over; with the mark that makes Excel read it as UTF-8. */
function Template() {
  const t = useTranslations("evaluation");
  const rows = [
    COLUMNS.map((column) => t(`importColumn.${column}`)),
    [t("importExample.question"), "", "", t("importExample.document"), t("importExample.quote")],
    [t("importExample.none"), "", t("importExample.notFound"), "", ""],
  ];
  const csv = rows.map((row) => row.map((cell) => `"${cell}"`).join(",")).join("\r\n");
  return (
    <Button asChild size="small">
      <a
        href={`data:text/csv;charset=utf-8,${encodeURIComponent(`\ufeff${csv}\r\n`)}`}
        download="questions.csv"
      >
        <Download aria-hidden />
        {t("importTemplate")}
      </a>
    </Button>
  );
}

function Problems({ problems }: { problems: readonly FieldProblem[] }) {
  const t = useTranslations("evaluation");
  return (
    <ul className="space-y-1 text-[0.8125rem]">
      {problems.slice(0, MOST_PROBLEMS).map((problem) => {
        const place = placeInFile(problem.field);
        return (
          <li key={`${problem.field} ${problem.code}`} className="flex flex-wrap gap-x-2">
            {place && (
              <span className="tabular font-medium">
                {t(place.kind === "line" ? "importLine" : "importQuestion", { number: place.number })}
              </span>
            )}
            <span className="text-soft">{problem.message}</span>
          </li>
        );
      })}
      {problems.length > MOST_PROBLEMS && (
        <li className="text-faint">{t("importMore", { count: problems.length - MOST_PROBLEMS })}</li>
      )}
    </ul>
  );
}
