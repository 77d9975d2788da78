"use client";

import { FolderUp, Upload } from "lucide-react";
import { useTranslations } from "next-intl";
import { useId, useState, type ChangeEvent, type DragEvent } from "react";
import { cn } from "@/ui/cn";
import { droppedFiles, filesOf, READABLE } from "./chosen-files";

const ACCEPT = READABLE.map((extension) => `.${extension}`).join(",");

interface FileDropProps {
  onFiles: (files: { path: string; file: File }[]) => void;
  /** One line high, once files were chosen. */
  isSmall: boolean;
}

/** A place to drop files and folders, and buttons for those who do not drag. */
export function FileDrop({ onFiles, isSmall }: FileDropProps) {
  const t = useTranslations("documents");
  const [isOver, setIsOver] = useState(false);

  async function onDrop(event: DragEvent) {
    event.preventDefault();
    setIsOver(false);
    onFiles(await droppedFiles(event.dataTransfer));
  }

  return (
    <div
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={(event) => void onDrop(event)}
      className={cn(
        "flex flex-col items-center rounded-xl border-2 border-dashed px-4 text-center transition-colors",
        isSmall ? "py-4" : "py-8",
        isOver ? "border-pine bg-pine-tint" : "border-edge/50",
      )}
    >
      {!isSmall && (
        <>
          <span className="grid size-11 place-items-center rounded-full bg-pine-tint text-pine">
            <Upload aria-hidden className="size-5" />
          </span>
          <p className="mt-3 font-serif font-semibold">{t("drop")}</p>
          <p className="mt-0.5 mb-4 text-sm text-soft">{t("dropHelp")}</p>
        </>
      )}
      <div className="flex flex-wrap justify-center gap-2">
        <FileButton label={t("chooseFiles")} onFiles={onFiles} isPrimary={!isSmall} />
        <FileButton label={t("chooseFolder")} onFiles={onFiles} isFolder />
      </div>
    </div>
  );
}

interface FileButtonProps {
  label: string;
  onFiles: FileDropProps["onFiles"];
  isFolder?: boolean;
  isPrimary?: boolean;
}

function FileButton({ label, onFiles, isFolder, isPrimary }: FileButtonProps) {
  const id = useId();
  const Icon = isFolder ? FolderUp : Upload;
  const folder = isFolder ? { webkitdirectory: "" } : { accept: ACCEPT };
  return (
    // Phones open no folders.
    <span className={cn("relative", isFolder && "pointer-coarse:hidden")}>
      <input
        id={id}
        type="file"
        multiple
        {...folder}
        className="peer sr-only"
        onChange={(event: ChangeEvent<HTMLInputElement>) => {
          onFiles(filesOf(event.target.files));
          // The same file may be chosen again after it was put right.
          event.target.value = "";
        }}
      />
      <label
        htmlFor={id}
        className={cn(
          "inline-flex h-10 items-center gap-1.5 rounded-lg px-4 text-sm font-medium peer-focus-visible:outline-2 peer-focus-visible:outline-offset-2 peer-focus-visible:outline-pine",
          isPrimary
            ? "bg-pine text-on-pine hover:bg-pine-deep"
            : "border border-line bg-surface hover:bg-sunken",
        )}
      >
        <Icon aria-hidden className="size-4" />
        {label}
      </label>
    </span>
  );
}
