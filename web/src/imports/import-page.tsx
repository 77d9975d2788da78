"use client";

import { ArrowLeft, CircleCheck, OctagonX } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useState } from "react";
import { isRunning, useImport, useImportSteps } from "@/api/imports";
import type { ImportJob } from "@/api/types";
import { AppLink } from "@/shell/link";
import { wholeNumber } from "@/time/format";
import { Button } from "@/ui/button";
import { PageHead } from "@/ui/page";
import { ProgressBar } from "@/ui/progress";
import { ErrorNote, ErrorState, SkeletonRows } from "@/ui/states";
import { CheckedStep } from "./checked-step";
import { CountCards } from "./count-cards";
import { MappingStep } from "./mapping-step";
import { Stepper } from "./stepper";

/** One import from file to record. All of its state is the server's, so it goes on after a reload. */
export function ImportPage({ id }: { id: number }) {
  const t = useTranslations("imports");
  const job = useImport(id);
  return (
    <>
      <AppLink
        href="/imports"
        leavesDate
        className="mb-4 inline-flex items-center gap-1.5 text-sm text-soft hover:text-ink"
      >
        <ArrowLeft aria-hidden className="size-4" />
        {t("back")}
      </AppLink>
      {job.isPending ? (
        <div className="card">
          <SkeletonRows />
        </div>
      ) : job.isError ? (
        <div className="card">
          <ErrorState error={job.error} onRetry={() => void job.refetch()} />
        </div>
      ) : (
        <Loaded job={job.data} />
      )}
    </>
  );
}

function Loaded({ job }: { job: ImportJob }) {
  const t = useTranslations("imports");
  const steps = useImportSteps(job.id);
  const [isRemapping, setIsRemapping] = useState(false);
  const showsMapping =
    job.state === "uploaded" ||
    job.state === "mapped" ||
    ((job.state === "checked" || job.state === "failed") && isRemapping);
  const mayCancel = !["committing", "committed", "cancelled"].includes(job.state);
  return (
    <>
      <PageHead
        title={<span className="break-all">{job.file_name}</span>}
        lead={<FileFacts job={job} />}
        actions={
          mayCancel && (
            <Button onClick={() => steps.cancel.mutate()} isBusy={steps.cancel.isPending}>
              {t("cancel")}
            </Button>
          )
        }
      />
      <Stepper state={job.state} isMapping={showsMapping} />
      <ErrorNote error={steps.cancel.error} className="mb-4" />
      {showsMapping ? (
        <MappingStep
          job={job}
          isBusy={steps.check.isPending}
          error={steps.check.error}
          onCheck={(mapping) => steps.check.mutate(mapping, { onSuccess: () => setIsRemapping(false) })}
        />
      ) : isRunning(job) ? (
        <Running job={job} />
      ) : job.state === "checked" ? (
        <CheckedStep job={job} commit={steps.commit} onRemap={() => setIsRemapping(true)} />
      ) : (
        <Ended job={job} onRemap={() => setIsRemapping(true)} />
      )}
    </>
  );
}

function FileFacts({ job }: { job: ImportJob }) {
  const t = useTranslations("imports");
  const locale = useLocale();
  const facts = [
    t("rows", { count: wholeNumber(job.rows_total, locale) }),
    job.encoding && t("encoding", { encoding: ENCODING_NAMES[job.encoding.toLowerCase()] ?? job.encoding }),
    job.sheet && t("sheet", { sheet: job.sheet }),
  ];
  return <>{facts.filter(Boolean).join(" · ")}</>;
}

/** Names that people in offices know. */
const ENCODING_NAMES: Record<string, string> = {
  "utf-8": "UTF-8",
  "utf-8-sig": "UTF-8 (BOM)",
  cp932: "Shift_JIS (CP932)",
  "utf-16": "UTF-16",
  xlsx: "Excel",
};

function Running({ job }: { job: ImportJob }) {
  const t = useTranslations("imports");
  const locale = useLocale();
  const title = job.state === "checking" ? t("checking") : t("committing");
  return (
    <section className="card px-5 py-8 sm:px-8">
      <p className="font-serif text-lg font-semibold">{title}</p>
      <p className="mt-1 mb-5 text-sm text-soft">{t("runningHelp")}</p>
      <ProgressBar value={job.rows_done} total={job.rows_total} label={title} />
      <p role="status" className="tabular mt-2 text-sm text-soft">
        {t("progress", {
          done: wholeNumber(job.rows_done, locale),
          total: wholeNumber(job.rows_total, locale),
        })}
      </p>
    </section>
  );
}

/** Committed, failed or cancelled: the end of the road, and where to go from here. */
function Ended({ job, onRemap }: { job: ImportJob; onRemap: () => void }) {
  const t = useTranslations("imports");
  const isDone = job.state === "committed";
  const Icon = isDone ? CircleCheck : OctagonX;
  return (
    <section className="card flex flex-col items-center px-6 py-12 text-center">
      <Icon aria-hidden className={isDone ? "size-12 text-pine" : "size-12 text-faint"} />
      <p className="mt-4 font-serif text-lg font-semibold">
        {t(`ended.${isDone ? "committed" : job.state === "failed" ? "failed" : "cancelled"}`)}
      </p>
      {job.problem && (
        <div role="alert" className="mt-2 max-w-lg text-sm text-soft">
          <p className="text-danger">{job.problem.message}</p>
          {job.problem.hint && <p className="mt-1">{job.problem.hint}</p>}
        </div>
      )}
      {isDone && (
        <div className="mt-6 w-full max-w-2xl">
          <CountCards counts={job.counts} />
        </div>
      )}
      <div className="mt-6 flex flex-wrap justify-center gap-2">
        <Button asChild>
          <AppLink href="/imports" leavesDate>
            {t("another")}
          </AppLink>
        </Button>
        {job.state === "failed" && (
          <Button look="primary" onClick={onRemap}>
            {t("remap")}
          </Button>
        )}
        {isDone && (
          <Button asChild look="primary">
            <AppLink href="/people">{t("seePeople")}</AppLink>
          </Button>
        )}
      </div>
    </section>
  );
}
