"use client";

import { BookOpenText, Download, TriangleAlert } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { fileAddress, isOnTheWay } from "@/api/documents";
import type { DocumentDetail, DocumentVersion } from "@/api/types";
import { useSession } from "@/api/session";
import { AppLink } from "@/shell/link";
import type { Tense } from "@/time/as-of";
import { moment } from "@/time/format";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { cn } from "@/ui/cn";
import { sizeText } from "./chosen-files";
import { TENSE_TONES } from "./document-row";
import { daysText, tenseOfDays } from "./in-force";
import { StateNow } from "./state-badge";

const DOTS: Record<Tense, string> = { past: "bg-past", today: "bg-pine", future: "bg-future" };

interface VersionListProps {
  document: DocumentDetail;
  /** Opens the upload of another version; null for those who may only read. */
  onReplace: (() => void) | null;
}

/** Versions by the days on which they hold, what is to come first; each with its file, its text and its faults. */
export function VersionList({ document, onReplace }: VersionListProps) {
  const { today } = useSession().tenant;
  const versions = [...document.versions].sort((one, other) => other.number - one.number);
  return (
    <ol>
      {versions.map((version, place) => {
        const counts = version.state === "ready" || isOnTheWay(version);
        const tense = counts ? tenseOfDays(version, today) : null;
        return (
          <li key={version.id} className="relative pb-5 pl-7 last:pb-3">
            {place < versions.length - 1 && (
              <span
                aria-hidden
                className="absolute top-3 bottom-0 left-[0.3125rem] w-0.5 translate-y-1 bg-line"
              />
            )}
            <span
              aria-hidden
              className={cn(
                "absolute top-2 left-0 size-3 rounded-full ring-4 ring-surface",
                tense ? DOTS[tense] : "bg-edge/50",
              )}
            />
            <VersionEntry
              document={document}
              version={version}
              tense={version.state === "ready" ? tense : null}
              onReplace={onReplace}
            />
          </li>
        );
      })}
    </ol>
  );
}

interface VersionEntryProps {
  document: DocumentDetail;
  version: DocumentVersion;
  tense: Tense | null;
  onReplace: (() => void) | null;
}

function VersionEntry({ document, version, tense, onReplace }: VersionEntryProps) {
  const t = useTranslations("documents");
  const locale = useLocale();
  const { tenant } = useSession();
  const isReadable = version.state === "ready" || version.state === "replaced";
  return (
    <>
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="min-w-52 flex-1">
          <h3 className="flex flex-wrap items-center gap-x-2 gap-y-1 text-[0.9375rem] font-semibold">
            <span className="tabular">{daysText(version, locale) || t("noDays")}</span>
            {tense && <Badge tone={TENSE_TONES[tense]}>{t(`tense.${tense}`)}</Badge>}
          </h3>
          <p className="mt-0.5 text-sm break-all text-soft">
            {t("version", { number: version.number })} · {version.file_name}
          </p>
          <p className="text-xs text-faint">
            {[
              t("fileFacts", {
                size: sizeText(version.size_bytes),
                date: moment(version.created_at, locale, tenant.time_zone),
              }),
              version.pages_total !== null && isReadable && t("pageCount", { count: version.pages_total }),
            ]
              .filter(Boolean)
              .join(" · ")}
          </p>
        </div>
        <StateNow version={version} title={document.title} />
        <span className="flex flex-wrap gap-2">
          {isReadable && (
            <Button asChild size="small">
              <AppLink href={`/documents/${document.id}/versions/${version.id}`} leavesDate>
                <BookOpenText aria-hidden />
                {t("read")}
              </AppLink>
            </Button>
          )}
          <Button asChild size="small">
            <a
              href={fileAddress(document.id, version.id)}
              download
              aria-label={t("downloadOf", { name: version.file_name })}
            >
              <Download aria-hidden />
              {t("download")}
            </a>
          </Button>
        </span>
      </div>
      {version.state === "replaced" && <p className="mt-2 text-xs text-faint">{t("replacedHelp")}</p>}
      {version.problem && <Problem version={version} onReplace={onReplace} />}
      {version.warnings.length > 0 && <Warnings version={version} />}
    </>
  );
}

function Problem({ version, onReplace }: { version: DocumentVersion; onReplace: (() => void) | null }) {
  const t = useTranslations("documents");
  if (!version.problem) return null;
  return (
    <div className="mt-2 rounded-lg border border-danger-line bg-danger-tint px-4 py-3 text-sm">
      <p className="flex items-start gap-2 font-medium text-danger">
        <TriangleAlert aria-hidden className="mt-1 size-4 shrink-0" />
        {version.problem.message}
      </p>
      {version.problem.hint && (
        <p className="mt-1 pl-6 text-soft">
          <span className="sr-only">{t("nextStep")}: </span>
          {version.problem.hint}
        </p>
      )}
      {onReplace && (
        <Button size="small" className="mt-2 ml-6" onClick={onReplace}>
          {t("uploadAgain")}
        </Button>
      )}
    </div>
  );
}

/** Hidden text and the like: whoever uploaded the file may not know of it. */
function Warnings({ version }: { version: DocumentVersion }) {
  const t = useTranslations("documents");
  return (
    <div className="mt-2 rounded-lg border border-past/50 bg-past-tint px-4 py-2.5 text-sm text-past-ink">
      <p className="font-medium">{t("warningsTitle")}</p>
      <ul className="mt-0.5 list-disc space-y-0.5 pl-5">
        {version.warnings.map((warning) => (
          <li key={`${warning.code}-${warning.page}`}>
            {warning.page === null
              ? warning.message
              : t("warningOnPage", { page: warning.page, message: warning.message })}
          </li>
        ))}
      </ul>
    </div>
  );
}
