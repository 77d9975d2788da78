"use client";

import { ChevronDown, ChevronRight, UsersRound } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import type { OrgNode } from "@/api/types";
import { wholeNumber } from "@/time/format";
import { cn } from "@/ui/cn";

const KINDS = ["company", "headquarters", "division", "department", "section", "team", "other"] as const;

/** The word for a kind of unit; a company may have kinds of its own, which speak for themselves. */
export function useUnitKind(): (kind: string) => string {
  const t = useTranslations("org");
  return (kind) => {
    const known = KINDS.find((one) => one === kind);
    return known ? t(`kind.${known}`) : kind;
  };
}

export function HeadCount({ node, className }: { node: OrgNode; className?: string }) {
  const t = useTranslations("org");
  const locale = useLocale();
  return (
    <span className={cn("tabular inline-flex items-center gap-1", className)}>
      <UsersRound aria-hidden className="size-3.5" />
      <span aria-hidden>{wholeNumber(node.headcount_total, locale)}</span>
      <span className="sr-only">{t("headcount", { count: wholeNumber(node.headcount_total, locale) })}</span>
    </span>
  );
}

interface TwistyProps {
  isOpen: boolean;
  onToggle: () => void;
  name: string;
  className?: string;
}

/** Opens and closes what is below. Not a tab stop: in a tree the arrow keys do this. */
export function Twisty({ isOpen, onToggle, name, className }: TwistyProps) {
  const t = useTranslations("org");
  const Icon = isOpen ? ChevronDown : ChevronRight;
  return (
    <button
      type="button"
      tabIndex={-1}
      aria-label={t(isOpen ? "collapse" : "expand", { name })}
      onClick={(event) => {
        event.stopPropagation();
        onToggle();
      }}
      className={cn("grid shrink-0 place-items-center rounded-full", className)}
    >
      <Icon aria-hidden className="size-4" />
    </button>
  );
}
