"use client";

import { Upload } from "lucide-react";
import { useTranslations } from "next-intl";
import { useId, useState } from "react";
import { useDocumentSteps } from "@/api/documents";
import type { DocumentDetail } from "@/api/types";
import { DateField } from "@/actions/date-field";
import { fieldErrors } from "@/actions/field-errors";
import { FormDialog } from "@/actions/form-dialog";
import { useToast } from "@/ui/toast";
import { addFiles, LARGEST_BYTES, READABLE, sizeText } from "./chosen-files";

/** One file and the days on which it holds; the versions before are narrowed to their own days. */
export function NewVersionDialog({ document, onClose }: { document: DocumentDetail; onClose: () => void }) {
  const t = useTranslations("documents");
  const announce = useToast();
  const { addVersion } = useDocumentSteps(document.id);
  const [file, setFile] = useState<File | null>(null);
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const errorOf = fieldErrors(addVersion.error);
  const isBackwards = Boolean(from && to && to < from);
  const problem = file && addFiles([], [{ path: file.name, file }]).files[0]?.problem;

  function submit() {
    if (!file) return;
    addVersion.mutate(
      { file, effectiveFrom: from, effectiveTo: to },
      {
        onSuccess: () => {
          announce(t("versionSent"));
          onClose();
        },
      },
    );
  }

  return (
    <FormDialog
      title={t("newVersion")}
      description={document.title}
      submitLabel={t("sendOne")}
      onSubmit={submit}
      onClose={onClose}
      isBusy={addVersion.isPending}
      isReady={file !== null && !problem && !isBackwards}
      error={addVersion.error}
    >
      <OneFile
        file={file}
        onChoose={setFile}
        error={
          file && problem
            ? t(`problem.${problem}`, { size: sizeText(file.size), limit: sizeText(LARGEST_BYTES) })
            : undefined
        }
      />
      <DateField
        label={t("effectiveFrom")}
        value={from}
        onChange={setFrom}
        help={t("effectiveFromHelp")}
        error={errorOf("effective_from")}
      />
      <DateField
        label={t("effectiveTo")}
        value={to}
        onChange={setTo}
        help={t("effectiveToHelp")}
        error={isBackwards ? t("backwards") : errorOf("effective_to")}
      />
    </FormDialog>
  );
}

interface OneFileProps {
  file: File | null;
  onChoose: (file: File | null) => void;
  error: string | undefined;
}

function OneFile({ file, onChoose, error }: OneFileProps) {
  const t = useTranslations("documents");
  const id = useId();
  return (
    <div className="sm:col-span-2">
      <input
        id={id}
        type="file"
        accept={READABLE.filter((extension) => extension !== "zip")
          .map((extension) => `.${extension}`)
          .join(",")}
        className="peer sr-only"
        aria-describedby={`${id}-file`}
        onChange={(event) => {
          onChoose(event.target.files?.[0] ?? null);
          event.target.value = "";
        }}
      />
      <label
        htmlFor={id}
        className="inline-flex h-10 items-center gap-1.5 rounded-lg border border-line bg-surface px-4 text-sm font-medium peer-focus-visible:outline-2 peer-focus-visible:outline-offset-2 peer-focus-visible:outline-pine hover:bg-sunken"
      >
        <Upload aria-hidden className="size-4" />
        {t("chooseFiles")}
      </label>
      <p id={`${id}-file`} role="status" className="mt-1.5 text-sm break-all">
        {file && `${file.name} (${sizeText(file.size)})`}
        {error && <span className="block text-xs font-medium text-danger">{error}</span>}
      </p>
    </div>
  );
}
