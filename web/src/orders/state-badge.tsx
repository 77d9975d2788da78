"use client";

import { Ban, CalendarClock, Check, Hourglass, X } from "lucide-react";
import { useTranslations } from "next-intl";
import type { ChangeOrder } from "@/api/types";
import { Badge, type Tone } from "@/ui/badge";

const LOOKS = {
  proposed: { tone: "past", icon: Hourglass },
  reserved: { tone: "future", icon: CalendarClock },
  applied: { tone: "today", icon: Check },
  rejected: { tone: "danger", icon: X },
  cancelled: { tone: "neutral", icon: Ban },
} as const satisfies Record<ChangeOrder["state"], { tone: Tone; icon: unknown }>;

export function StateBadge({ state }: { state: ChangeOrder["state"] }) {
  const t = useTranslations("orders");
  const { tone, icon: Icon } = LOOKS[state];
  return (
    <Badge tone={tone}>
      <Icon aria-hidden />
      {t(`state.${state}`)}
    </Badge>
  );
}
