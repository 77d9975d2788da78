"use client";

import { CircleAlert, CircleCheck, LoaderCircle, X } from "lucide-react";
import { useTranslations } from "next-intl";
import type { Uploads } from "@/api/types";
import { ApiProblem } from "@/api/problem";
import { Button } from "@/ui/button";
import { LARGEST_BYTES, sizeText } from "./chosen-files";
import type { QueuedFile, useUploadQueue } from "./use-upload-queue";

/** Every chosen file with how it fares; what is wrong stands beside the file it is wrong with. */
export function FileList({ queue }: { queue: ReturnType<typeof useUploadQueue> }) {
  const t = useTranslations("documents");
  return (
    <div className="overflow-hidden rounded-xl border border-line">
      <div className="flex items-center justify-between gap-3 border-b border-line bg-sunken/50 px-3 py-1.5 text-xs text-soft">
        <span>
          {t("chosen", { count: queue.files.length })}
          {queue.skipped > 0 && <span className="ml-2">{t("skipped", { count: queue.skipped })}</span>}
        </span>
        <Button look="quiet" size="small" onClick={queue.clear} disabled={queue.isSending}>
          {t("clearFiles")}
        </Button>
      </div>
      <ul
        className="max-h-56 divide-y divide-line overflow-y-auto"
        tabIndex={0}
        aria-label={t("chosen", { count: queue.files.length })}
      >
        {queue.files.map((one) => (
          <FileRow
            key={one.path}
            queued={one}
            onRemove={queue.isSending || one.state === "accepted" ? null : () => queue.remove(one.path)}
          />
        ))}
      </ul>
    </div>
  );
}

function FileRow({ queued, onRemove }: { queued: QueuedFile; onRemove: (() => void) | null }) {
  const t = useTranslations("documents");
  return (
    <li className="flex items-start gap-2.5 px-3 py-2 text-sm">
      <StateIcon queued={queued} />
      <span className="min-w-0 flex-1">
        <span className="block break-all">{queued.path}</span>
        <FileNote queued={queued} />
      </span>
      <span className="tabular shrink-0 text-xs leading-6 text-faint">{sizeText(queued.file.size)}</span>
      {onRemove && (
        <button
          type="button"
          aria-label={t("removeFile", { name: queued.path })}
          onClick={onRemove}
          className="-my-0.5 grid size-7 shrink-0 place-items-center rounded text-faint hover:bg-sunken hover:text-ink"
        >
          <X aria-hidden className="size-4" />
        </button>
      )}
    </li>
  );
}

function StateIcon({ queued }: { queued: QueuedFile }) {
  if (queued.problem || queued.state === "failed")
    return <CircleAlert aria-hidden className="mt-1 size-4 shrink-0 text-danger" />;
  if (queued.state === "accepted")
    return <CircleCheck aria-hidden className="mt-1 size-4 shrink-0 text-pine" />;
  if (queued.state === "sending")
    return <LoaderCircle aria-hidden className="mt-1 size-4 shrink-0 animate-spin text-pine" />;
  return <span aria-hidden className="mt-1.5 size-3 shrink-0 rounded-full border-2 border-line" />;
}

/** What became of it; a refusal in the server's own words, with its next step. */
function FileNote({ queued }: { queued: QueuedFile }) {
  const t = useTranslations("documents");
  const errors = useTranslations("errors");
  if (queued.problem)
    return (
      <span className="block text-xs text-danger">
        {t(`problem.${queued.problem}`, { size: sizeText(queued.file.size), limit: sizeText(LARGEST_BYTES) })}
      </span>
    );
  if (queued.state === "failed") {
    const problem = queued.error instanceof ApiProblem ? queued.error : null;
    const said = problem?.errors[0]?.message ?? problem?.detail ?? problem?.title;
    return (
      <span className="block text-xs">
        <span className="text-danger">
          {problem?.code === "offline" ? errors("offlineTitle") : said || t("file.failed")}
        </span>
        {problem?.hint && <span className="ml-1.5 text-soft">{problem.hint}</span>}
      </span>
    );
  }
  if (queued.made) return <MadeNote made={queued.made} />;
  return queued.state === "chosen" ? null : (
    <span className="block text-xs text-soft">{t(`file.${queued.state}`)}</span>
  );
}

/** What came of a file; of an archive also which of its files were not taken, and why. */
function MadeNote({ made }: { made: Uploads }) {
  const t = useTranslations("documents");
  const [only] = made.items;
  return (
    <span className="block text-xs text-soft">
      {made.items.length !== 1 || !only
        ? t("file.acceptedMany", { count: made.items.length })
        : only.outcome === "unchanged"
          ? t("file.unchanged")
          : only.outcome === "new_version"
            ? t("file.newVersion")
            : t("file.accepted")}
      {made.skipped.map((one) => (
        <span key={one.path} className="mt-0.5 block">
          <span className="break-all">{one.path}</span>
          <span className="ml-1.5 text-danger">{one.message}</span>
          {one.hint && <span className="ml-1.5">{one.hint}</span>}
        </span>
      ))}
    </span>
  );
}
