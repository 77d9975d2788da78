"use client";

import { useQuery } from "@tanstack/react-query";
import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { Suspense, useEffect, type ReactNode } from "react";
import { sessionQuery } from "@/api/session";
import { asLocale } from "@/i18n/locales";
import { useLanguage } from "@/i18n/use-language";
import { LiveProvider } from "@/live/live-provider";
import { AsOfBanner } from "@/time/as-of-banner";
import { ErrorState } from "@/ui/states";
import { RingMark } from "./logo";
import { OfflineNotice } from "./offline-notice";
import { Sidebar } from "./sidebar";
import { TabBar } from "./tab-bar";
import { TopBar } from "./top-bar";

/** Everything round a page of the portal; lets nobody in who is not signed in. */
export function Portal({ children }: { children: ReactNode }) {
  const session = useQuery(sessionQuery);
  const router = useRouter();
  const isSignedOut = session.data === null;

  useEffect(() => {
    if (isSignedOut)
      router.replace(`/sign-in?return_to=${encodeURIComponent(location.pathname + location.search)}`);
  }, [isSignedOut, router]);

  if (session.data) return <SignedIn accountLocale={session.data.user.locale}>{children}</SignedIn>;
  if (session.isError) {
    return (
      <main className="grid min-h-dvh place-items-center">
        <ErrorState error={session.error} onRetry={() => void session.refetch()} />
      </main>
    );
  }
  return <Opening />;
}

function SignedIn({ accountLocale, children }: { accountLocale: string; children: ReactNode }) {
  const t = useTranslations("nav");
  useAccountLanguage(accountLocale);
  return (
    <LiveProvider>
      <a
        href="#content"
        className="sr-only z-50 rounded-lg bg-pine px-4 py-2 text-on-pine focus:not-sr-only focus:fixed focus:top-3 focus:left-3"
      >
        {t("skip")}
      </a>
      <div className="flex min-h-dvh">
        <Sidebar />
        <div className="flex min-w-0 flex-1 flex-col">
          <TopBar />
          <AsOfBanner />
          <OfflineNotice />
          <main
            id="content"
            tabIndex={-1}
            className="mx-auto w-full max-w-7xl flex-1 px-4 pt-6 pb-24 outline-none sm:px-6 lg:pb-12"
          >
            <Suspense fallback={null}>{children}</Suspense>
          </main>
        </div>
      </div>
      <TabBar />
    </LiveProvider>
  );
}

/** A new browser opens in the account's language, whatever the browser itself prefers. */
function useAccountLanguage(accountLocale: string) {
  const { locale, change } = useLanguage();
  useEffect(() => {
    const wanted = asLocale(accountLocale);
    if (wanted && wanted !== locale) change(wanted);
    // Only when the account's language becomes known or changes; a choice made here is saved to the account.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [accountLocale]);
}

function Opening() {
  const t = useTranslations("common");
  return (
    <div role="status" aria-label={t("loading")} className="grid min-h-dvh place-items-center text-pine">
      <RingMark className="size-12 animate-pulse" />
    </div>
  );
}
