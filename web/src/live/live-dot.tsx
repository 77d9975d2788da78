"use client";

import { useTranslations } from "next-intl";
import { cn } from "@/ui/cn";
import { useLiveState } from "./live-provider";

/** A dot that says whether changes by others appear by themselves. */
export function LiveDot() {
  const t = useTranslations("live");
  const state = useLiveState();
  return (
    <span title={t(`${state}Help`)} className="hidden items-center gap-1.5 text-xs text-faint sm:flex">
      <span
        aria-hidden
        className={cn(
          "size-2 rounded-full",
          state === "live" ? "bg-[#2f9e7c]" : state === "waiting" ? "bg-past" : "bg-line",
        )}
      />
      <span className="max-md:sr-only">{t(state)}</span>
    </span>
  );
}
