"use client";

import type { MouseEvent, ReactNode } from "react";
import type { Citation } from "@/api/types";
import { writeRange } from "@/documents/text";
import { AppLink } from "@/shell/link";

interface CitationLinkProps {
  citation: Citation;
  /** Opens it beside the answer; null where a page of its own is used. */
  onSource: ((citation: Citation) => void) | null;
  isShown: boolean;
  label?: string;
  className?: string;
  children: ReactNode;
}

/** A link to the passage, which also opens in a new tab; where there is room it opens beside the answer. */
export function CitationLink({ citation, onSource, isShown, label, className, children }: CitationLinkProps) {
  function onClick(event: MouseEvent) {
    if (!onSource || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    onSource(citation);
  }
  return (
    <AppLink
      href={addressOf(citation)}
      leavesDate
      aria-label={label}
      aria-current={isShown ? "true" : undefined}
      onClick={onClick}
      className={className}
    >
      {children}
    </AppLink>
  );
}

export function addressOf(citation: Citation): string {
  const quoted = { start: citation.quote_start, end: citation.quote_end };
  return `/documents/${citation.document_id}/versions/${citation.version_id}?at=${writeRange(quoted)}`;
}

/** True for the same place, however it was read. */
export function isSame(citation: Citation, other: Citation | null): boolean {
  return (
    other !== null &&
    citation.version_id === other.version_id &&
    citation.quote_start === other.quote_start &&
    citation.number === other.number
  );
}
