"use client";

import { Upload } from "lucide-react";
import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { useId, useState, type DragEvent } from "react";
import { useUpload } from "@/api/imports";
import { cn } from "@/ui/cn";
import { ErrorNote } from "@/ui/states";

/** A place to drop a file, and a button for those who do not drag. */
export function DropZone() {
  const t = useTranslations("imports");
  const id = useId();
  const router = useRouter();
  const upload = useUpload();
  const [isOver, setIsOver] = useState(false);

  function take(file: File | undefined) {
    if (file) upload.mutate(file, { onSuccess: (job) => router.push(`/imports/${job.id}`) });
  }

  function onDrop(event: DragEvent) {
    event.preventDefault();
    setIsOver(false);
    take(event.dataTransfer.files[0]);
  }

  return (
    <div>
      <div
        onDragOver={(event) => {
          event.preventDefault();
          setIsOver(true);
        }}
        onDragLeave={() => setIsOver(false)}
        onDrop={onDrop}
        className={cn(
          "flex flex-col items-center rounded-xl border-2 border-dashed px-6 py-10 text-center transition-colors",
          isOver ? "border-pine bg-pine-tint" : "border-edge/50 bg-surface",
        )}
      >
        <span className="grid size-12 place-items-center rounded-full bg-pine-tint text-pine">
          <Upload aria-hidden className="size-5" />
        </span>
        <p className="mt-3 font-serif font-semibold">{t("drop")}</p>
        <p className="mt-1 text-sm text-soft">{t("dropHelp")}</p>
        <input
          id={id}
          type="file"
          accept=".csv,.tsv,.txt,.xlsx,text/csv,application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
          className="peer sr-only"
          disabled={upload.isPending}
          onChange={(event) => {
            take(event.target.files?.[0]);
            // The same file may be chosen again after it was put right.
            event.target.value = "";
          }}
        />
        <label
          htmlFor={id}
          className="mt-4 inline-flex h-10 items-center rounded-lg bg-pine px-4 text-sm font-medium text-on-pine peer-focus-visible:outline-2 peer-focus-visible:outline-offset-2 peer-focus-visible:outline-pine hover:bg-pine-deep"
        >
          {upload.isPending ? t("uploading") : t("choose")}
        </label>
      </div>
      <ErrorNote error={upload.error} className="mt-3" />
    </div>
  );
}
