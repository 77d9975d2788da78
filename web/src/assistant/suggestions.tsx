"use client";

import { MessageCircleQuestion } from "lucide-react";
import { useTranslations } from "next-intl";
import { RingMark } from "@/shell/logo";

const FIRST = ["leave", "childcare", "travel", "joined"] as const;

/** What to ask first, for whoever has never asked. */
export function Suggestions({ onAsk }: { onAsk: (question: string) => void }) {
  const t = useTranslations("assistant");
  return (
    <section className="card px-5 py-8 sm:px-8">
      <RingMark className="size-10 text-pine" />
      <h2 className="mt-3 font-serif text-lg font-semibold">{t("emptyTitle")}</h2>
      <p className="mt-1 max-w-xl text-sm text-soft">{t("emptyHelp")}</p>
      <h3 className="mt-6 text-xs font-medium text-faint">{t("tryThese")}</h3>
      <ul className="mt-2 grid gap-2 sm:grid-cols-2">
        {FIRST.map((name) => (
          <li key={name}>
            <button
              type="button"
              onClick={() => onAsk(t(`suggestion.${name}`))}
              className="flex h-full w-full items-start gap-2.5 rounded-xl border border-line bg-surface px-4 py-3 text-left text-sm hover:border-pine-line hover:bg-pine-tint/50"
            >
              <MessageCircleQuestion aria-hidden className="mt-0.5 size-4.5 shrink-0 text-pine" />
              {t(`suggestion.${name}`)}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
