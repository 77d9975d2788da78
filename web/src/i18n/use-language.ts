"use client";

import { useLocale } from "next-intl";
import { useRouter } from "next/navigation";
import { useTransition } from "react";
import { rememberCaller } from "@/api/client";
import { LOCALE_COOKIE, type Locale } from "./locales";

const ONE_YEAR_S = 365 * 24 * 3600;

/** The language of the page and a way to change it in place, without another address. */
export function useLanguage(): { locale: Locale; isChanging: boolean; change: (locale: Locale) => void } {
  const locale = useLocale();
  const router = useRouter();
  const [isChanging, start] = useTransition();
  function change(next: Locale) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${LOCALE_COOKIE}=${next}; Path=/; Max-Age=${ONE_YEAR_S}; SameSite=Lax${secure}`;
    rememberCaller({ locale: next });
    start(() => router.refresh());
  }
  return { locale, isChanging, change };
}
