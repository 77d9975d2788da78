"use client";

import { useTranslations } from "next-intl";

/** Kinds of orders that the portal has a word for; a newer API may know more. */
const KINDS = [
  "hire",
  "rehire",
  "transfer",
  "concurrent_post",
  "concurrent_end",
  "departure",
  "correction",
  "import",
  "unit_create",
  "unit_rename",
  "unit_move",
  "unit_head",
  "unit_close",
  "position_create",
] as const;

export function useKindName(): (kind: string) => string {
  const t = useTranslations("orders");
  return (kind) => {
    const known = KINDS.find((one) => one === kind);
    return known ? t(`kind.${known}`) : kind;
  };
}
