"use client";

import { useTranslations } from "next-intl";
import { useQueryClient } from "@tanstack/react-query";
import { sessionQuery, useSaveLocale } from "@/api/session";
import { cn } from "@/ui/cn";
import { LOCALES, type Locale } from "./locales";
import { useLanguage } from "./use-language";

const OWN_NAMES: Record<Locale, string> = { ja: "日本語", en: "English" };

/** Two languages, each written in itself; saved to the account when somebody is signed in. */
export function LanguageSwitch({ className }: { className?: string }) {
  const t = useTranslations("common");
  const { locale, isChanging, change } = useLanguage();
  const save = useSaveLocale();
  const client = useQueryClient();
  function choose(next: Locale) {
    if (next === locale) return;
    change(next);
    if (client.getQueryData(sessionQuery.queryKey)) save.mutate(next);
  }
  return (
    <div
      role="group"
      aria-label={t("language")}
      className={cn("inline-flex rounded-lg border border-line bg-surface p-0.5", className)}
    >
      {LOCALES.map((choice) => (
        <button
          key={choice}
          type="button"
          lang={choice}
          aria-pressed={choice === locale}
          disabled={isChanging}
          onClick={() => choose(choice)}
          className={cn(
            "h-8 flex-1 rounded-md px-2.5 text-xs whitespace-nowrap",
            choice === locale ? "bg-pine-tint font-semibold text-pine-deep" : "text-soft hover:text-ink",
          )}
        >
          {OWN_NAMES[choice]}
        </button>
      ))}
    </div>
  );
}
