"use client";

import { useLocale, useTranslations } from "next-intl";
import type { Citation } from "@/api/types";
import { daysText } from "@/documents/in-force";
import { cn } from "@/ui/cn";
import { CitationLink, isSame } from "./citation-link";
import { daysOf } from "./days-of";

interface SourceListProps {
  citations: readonly Citation[];
  shown: Citation | null;
  onSource: ((citation: Citation) => void) | null;
}

/** The places that an answer rests on; there before a model has written a word. */
export function SourceList({ citations, shown, onSource }: SourceListProps) {
  const t = useTranslations("assistant");
  const locale = useLocale();
  return (
    <section className="mt-4 border-t border-line pt-3">
      <h4 className="text-xs font-medium text-faint">{t("sources")}</h4>
      <ol className="mt-1.5 -ml-2 space-y-0.5">
        {citations.map((citation) => {
          const days = daysText(daysOf(citation), locale);
          return (
            <li key={citation.number}>
              <CitationLink
                citation={citation}
                isShown={isSame(citation, shown)}
                onSource={onSource}
                className={cn(
                  "flex items-start gap-2.5 rounded-lg px-2 py-1.5 text-sm hover:bg-sunken",
                  isSame(citation, shown) && "bg-pine-tint hover:bg-pine-tint",
                )}
              >
                <span
                  aria-hidden
                  className="tabular mt-0.5 grid h-5 min-w-5 place-items-center rounded-full bg-pine-tint px-1 text-xs font-semibold text-pine-deep"
                >
                  {citation.number}
                </span>
                <span className="min-w-0">
                  <span className="block font-medium break-words">{citation.title}</span>
                  <span className="block text-xs break-words text-faint">
                    {[
                      placeText(citation),
                      citation.page !== null && t("page", { page: citation.page }),
                      days && t("inForce", { days }),
                    ]
                      .filter(Boolean)
                      .join(" · ")}
                  </span>
                </span>
              </CitationLink>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

/** The headings above a passage; the title of the document stands elsewhere already. */
export function placeText({ headings, title }: Citation): string {
  return headings.filter((heading) => heading !== title).join(" › ");
}
