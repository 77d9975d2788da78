"use client";

import { BookOpenText, FileText, FileUser, Megaphone, ScrollText, type LucideIcon } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import type { DocumentKind, DocumentLine } from "@/api/types";
import { useSession } from "@/api/session";
import { AppLink } from "@/shell/link";
import { Badge, type Tone } from "@/ui/badge";
import { cn } from "@/ui/cn";
import { daysText, tenseOfDays } from "./in-force";
import { StateNow } from "./state-badge";

const COLUMNS = "lg:grid-cols-[minmax(0,1fr)_7rem_11rem_13.5rem_11rem]";

const ICONS: Record<DocumentKind, LucideIcon> = {
  policy: ScrollText,
  handbook: BookOpenText,
  form: FileText,
  notice: Megaphone,
  resume: FileUser,
  career_history: FileUser,
  other: FileText,
};

export const TENSE_TONES: Record<"past" | "today" | "future", Tone> = {
  past: "past",
  today: "today",
  future: "future",
};

/** Names of the columns; a phone shows cards, whose parts need none. */
export function RowHead() {
  const t = useTranslations("documents");
  return (
    <div
      aria-hidden
      className={cn(
        "hidden gap-4 border-b border-line px-5 py-2 text-xs font-medium text-soft lg:grid",
        COLUMNS,
      )}
    >
      <span>{t("column.title")}</span>
      <span>{t("column.kind")}</span>
      <span>{t("column.audience")}</span>
      <span>{t("column.inForce")}</span>
      <span>{t("column.state")}</span>
    </div>
  );
}

export function DocumentRow({ document }: { document: DocumentLine }) {
  const t = useTranslations("documents");
  const Icon = ICONS[document.kind];
  return (
    <AppLink
      href={`/documents/${document.id}`}
      leavesDate
      className={cn(
        "grid grid-cols-1 gap-x-4 gap-y-1.5 px-4 py-3 hover:bg-sunken/60 sm:px-5 lg:items-center",
        COLUMNS,
      )}
    >
      <span className="flex min-w-0 items-start gap-3">
        <Icon aria-hidden className="mt-0.5 size-5 shrink-0 text-faint" />
        <span className="min-w-0">
          <span className="block text-sm font-medium break-words">{document.title}</span>
          {document.person_name && (
            <span className="block text-xs text-faint">{t("about", { name: document.person_name })}</span>
          )}
          {document.version.problem && (
            <span className="mt-0.5 block text-xs text-danger">{document.version.problem.message}</span>
          )}
        </span>
      </span>
      <span className="text-sm text-soft max-lg:hidden">{t(`kind.${document.kind}`)}</span>
      <span className="text-sm text-soft max-lg:hidden">{t(`audience.${document.audience}`)}</span>
      <span className="pl-8 text-xs text-soft lg:hidden">
        {t(`kind.${document.kind}`)} · {t(`audience.${document.audience}`)}
      </span>
      <span className="max-lg:pl-8">
        <InForce document={document} />
      </span>
      <span className="max-lg:pl-8">
        <StateNow version={document.version} title={document.title} />
      </span>
    </AppLink>
  );
}

function InForce({ document: { version } }: { document: DocumentLine }) {
  const t = useTranslations("documents");
  const locale = useLocale();
  const { today } = useSession().tenant;
  if (version.state === "failed" || version.state === "replaced") return null;
  const tense = tenseOfDays(version, today);
  const days = daysText(version, locale);
  return (
    <span className="flex flex-wrap items-center gap-x-2 gap-y-0.5">
      <span className="tabular text-sm text-soft">{days || t("noDays")}</span>
      {tense !== "today" && <Badge tone={TENSE_TONES[tense]}>{t(`tense.${tense}`)}</Badge>}
    </span>
  );
}
