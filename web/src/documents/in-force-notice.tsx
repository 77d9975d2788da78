"use client";

import { CircleCheck, History, Telescope } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import type { DocumentDetail, DocumentVersion } from "@/api/types";
import { useSession } from "@/api/session";
import { AppLink } from "@/shell/link";
import type { Tense } from "@/time/as-of";
import { longDay } from "@/time/format";
import { cn } from "@/ui/cn";
import { findInForce, findLater, tenseOfDays } from "./in-force";

const LOOKS: Record<Tense, string> = {
  past: "border-past/60 bg-past-tint text-past-ink",
  today: "border-pine-line bg-pine-tint text-pine-deep",
  future: "border-future/50 bg-future-tint text-future-ink",
};
const ICONS = { past: History, today: CircleCheck, future: Telescope };

interface InForceNoticeProps {
  document: DocumentDetail;
  version: DocumentVersion;
}

/** On which days the text below holds, and which version to read instead; nobody may take an old rule for today's. */
export function InForceNotice({ document, version }: InForceNoticeProps) {
  const t = useTranslations("documents");
  const locale = useLocale();
  const { today } = useSession().tenant;
  const says = useSentence(version, today);
  const isReplaced = version.state === "replaced";
  const tense = isReplaced ? "past" : tenseOfDays(version, today);
  const current = tense === "today" ? undefined : findInForce(document.versions, today);
  const later = findLater(document.versions, version);
  const next = later && later.id !== current?.id ? later : undefined;
  const Icon = ICONS[tense];
  if (!says && !next && !current) return null;
  return (
    <div
      className={cn(
        "sticky top-15 z-10 mb-4 flex gap-3 rounded-xl border px-4 py-3 text-sm shadow-card max-sm:py-2 max-sm:text-xs",
        LOOKS[tense],
      )}
    >
      <Icon aria-hidden className="mt-0.5 size-5 shrink-0" />
      <div className="min-w-0 space-y-1">
        {says && <p className="font-medium">{says}</p>}
        {next?.effective_from && (
          <p>
            {t("laterVersion", { from: longDay(next.effective_from, locale), number: next.number })}{" "}
            <VersionLink document={document} version={next}>
              {t("openVersion", { number: next.number })}
            </VersionLink>
          </p>
        )}
        {current && (
          <p>
            <VersionLink document={document} version={current}>
              {t("currentVersion", { number: current.number })}
            </VersionLink>
          </p>
        )}
      </div>
    </div>
  );
}

function useSentence(version: DocumentVersion, today: string): string | null {
  const t = useTranslations("documents");
  const locale = useLocale();
  const from = version.effective_from ? longDay(version.effective_from, locale) : "";
  const to = version.effective_to ? longDay(version.effective_to, locale) : "";
  if (version.state === "replaced") return t("replacedVersion");
  if (version.state !== "ready" || !(from || to)) return null;
  const tense = tenseOfDays(version, today);
  if (tense === "past") return t("inForcePast", { from, to });
  if (tense === "future") return t("inForceFuture", { from });
  return to ? t("inForceNowTo", { from, to }) : t("inForceNow", { from });
}

interface VersionLinkProps {
  document: DocumentDetail;
  version: DocumentVersion;
  children: string;
}

function VersionLink({ document, version, children }: VersionLinkProps) {
  return (
    <AppLink
      href={`/documents/${document.id}/versions/${version.id}`}
      leavesDate
      className="font-medium underline underline-offset-4"
    >
      {children}
    </AppLink>
  );
}
