"use client";

import { useLocale, useTranslations } from "next-intl";
import type { ImportJob } from "@/api/types";
import { wholeNumber } from "@/time/format";
import { cn } from "@/ui/cn";

const KINDS = ["create", "update", "unchanged", "error"] as const;

/** Rows by what they do. */
export function CountCards({ counts }: { counts: ImportJob["counts"] }) {
  const t = useTranslations("imports");
  const locale = useLocale();
  return (
    <dl className="grid grid-cols-2 gap-3 sm:grid-cols-4">
      {KINDS.map((kind) => {
        const count = counts[kind] ?? 0;
        return (
          <div
            key={kind}
            className={cn(
              "card px-4 py-3 text-left",
              kind === "error" && count > 0 && "border-danger-line bg-danger-tint",
            )}
          >
            <dt className="text-xs text-soft">{t(`count.${kind}`)}</dt>
            <dd
              className={cn(
                "tabular font-serif text-2xl font-semibold",
                kind === "error" && count > 0 && "text-danger",
              )}
            >
              {wholeNumber(count, locale)}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
