"use client";

import { ExternalLink, X } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useEffect, useRef } from "react";
import type { Citation } from "@/api/types";
import { useDocumentText } from "@/api/documents";
import { ApiProblem } from "@/api/problem";
import { useSession } from "@/api/session";
import { TENSE_TONES } from "@/documents/document-row";
import { daysText, tenseOfDays } from "@/documents/in-force";
import { TextBlocks } from "@/documents/text-blocks";
import { AppLink } from "@/shell/link";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { ErrorState, SkeletonRows } from "@/ui/states";
import { addressOf } from "./citation-link";
import { daysOf } from "./days-of";
import { placeText } from "./source-list";

/** How much of the text is shown round the passage, in characters. */
const AROUND = 600;

interface SourcePanelProps {
  citation: Citation;
  onClose: () => void;
}

/** The passage in its document, beside the answer that cites it; Escape gives the focus back to the citation. */
export function SourcePanel({ citation, onClose }: SourcePanelProps) {
  const t = useTranslations("assistant");
  const documents = useTranslations("documents");
  const locale = useLocale();
  const { today } = useSession().tenant;
  const heading = useRef<HTMLHeadingElement>(null);
  const opener = useRef<Element | null>(null);
  useEffect(() => {
    opener.current = document.activeElement;
    heading.current?.focus({ preventScroll: true });
  }, [citation]);

  function close() {
    onClose();
    if (opener.current instanceof HTMLElement) opener.current.focus();
  }

  const days = daysOf(citation);
  const tense = tenseOfDays(days, today);
  return (
    <aside
      aria-label={t("source")}
      onKeyDown={(event) => event.key === "Escape" && close()}
      className="card sticky top-20 flex max-h-[calc(100dvh-11.5rem)] animate-rise flex-col overflow-hidden"
    >
      <header className="border-b border-line px-5 py-3.5">
        <div className="flex items-start gap-3">
          <h2 ref={heading} tabIndex={-1} className="min-w-0 flex-1 font-serif font-semibold outline-none">
            <span className="sr-only">{t("source")}: </span>
            {citation.title}
          </h2>
          <button
            type="button"
            aria-label={t("closeSource")}
            onClick={close}
            className="-mt-1 -mr-2 grid size-9 shrink-0 place-items-center rounded-lg text-soft hover:bg-sunken"
          >
            <X aria-hidden className="size-5" />
          </button>
        </div>
        <p className="text-xs break-words text-faint">
          {[placeText(citation), citation.page !== null && t("page", { page: citation.page })]
            .filter(Boolean)
            .join(" · ")}
        </p>
        <p className="mt-1.5 flex flex-wrap items-center gap-2 text-xs text-soft">
          <span className="tabular">{daysText(days, locale) || documents("noDays")}</span>
          <Badge tone={TENSE_TONES[tense]}>{documents(`tense.${tense}`)}</Badge>
        </p>
      </header>
      <div
        className="min-h-0 flex-1 overflow-y-auto px-5 py-4"
        tabIndex={0}
        role="region"
        aria-label={t("source")}
      >
        <Passage citation={citation} />
      </div>
      <footer className="border-t border-line px-5 py-3">
        <Button asChild size="small">
          <AppLink href={addressOf(citation)} leavesDate>
            <ExternalLink aria-hidden />
            {t("openFull")}
          </AppLink>
        </Button>
      </footer>
    </aside>
  );
}

function Passage({ citation }: { citation: Citation }) {
  const t = useTranslations("assistant");
  const text = useDocumentText(citation.document_id, citation.version_id, {
    start: Math.max(0, citation.start_char - AROUND),
    end: citation.end_char + AROUND,
  });
  if (text.isPending) return <SkeletonRows rows={3} />;
  if (text.isError) {
    const isGone = text.error instanceof ApiProblem && text.error.status === 404;
    if (isGone) return <p className="text-sm text-soft">{t("changedSince")}</p>;
    return <ErrorState error={text.error} onRetry={() => void text.refetch()} />;
  }
  return (
    <TextBlocks
      text={text.data}
      cited={{ start: citation.quote_start, end: citation.quote_end }}
      scrolls="nearest"
      topLevel={2}
    />
  );
}
