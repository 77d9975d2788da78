"use client";

import { useTranslations } from "next-intl";
import type { PersonCard } from "@/api/types";
import { Badge, type Tone } from "@/ui/badge";

const TONES: Record<string, Tone> = { active: "today", left: "neutral", future: "future", none: "neutral" };

/** Employed, gone or to come on the day shown. Being employed is the rule, so it can be left unsaid. */
export function StatusBadge({
  status,
  hidesActive,
}: {
  status: PersonCard["employment_status"];
  hidesActive?: boolean;
}) {
  const t = useTranslations("people");
  if (hidesActive && status === "active") return null;
  return <Badge tone={TONES[status] ?? "neutral"}>{t(`status.${status}`)}</Badge>;
}
