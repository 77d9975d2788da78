"use client";

import { Check } from "lucide-react";
import { useTranslations } from "next-intl";
import type { ImportJob } from "@/api/types";
import { cn } from "@/ui/cn";

const STEPS = ["file", "mapping", "check", "commit"] as const;

function currentStep(state: ImportJob["state"], isMapping: boolean): number {
  if (isMapping) return 1;
  if (state === "checking" || state === "checked") return 2;
  return state === "committed" ? STEPS.length : 3;
}

/** Where in the four steps this import stands. */
export function Stepper({ state, isMapping }: { state: ImportJob["state"]; isMapping: boolean }) {
  const t = useTranslations("imports");
  const current = currentStep(state, isMapping);
  if (!isMapping && (state === "failed" || state === "cancelled")) return null;
  return (
    <ol className="mb-5 grid grid-cols-4 gap-1.5 sm:gap-3">
      {STEPS.map((step, at) => (
        <li
          key={step}
          aria-current={at === current ? "step" : undefined}
          className={cn(
            "border-t-3 pt-2 text-xs sm:text-sm",
            at < current && "border-pine text-pine",
            at === current && "border-past font-semibold text-ink",
            at > current && "border-line text-faint",
          )}
        >
          <span className="flex items-center gap-1.5">
            {at < current ? (
              <Check aria-hidden className="size-4 shrink-0" />
            ) : (
              <span className="tabular">{at + 1}</span>
            )}
            {t(`step.${step}`)}
          </span>
        </li>
      ))}
    </ol>
  );
}
