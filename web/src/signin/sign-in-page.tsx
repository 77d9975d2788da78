"use client";

import { useQuery } from "@tanstack/react-query";
import { useTranslations } from "next-intl";
import { useRouter, useSearchParams } from "next/navigation";
import { useEffect, useState } from "react";
import { sessionQuery } from "@/api/session";
import { LanguageSwitch } from "@/i18n/language-switch";
import { Wordmark } from "@/shell/logo";
import { PasswordStep } from "./password-step";
import { safeReturnTo } from "./return-to";
import { RingArt } from "./ring-art";
import { TotpStep } from "./totp-step";

/** `hasSession`: the browser brought a session cookie, so it is worth asking whose it is. */
export function SignInPage({ hasSession }: { hasSession: boolean }) {
  const t = useTranslations("auth");
  const router = useRouter();
  const parameters = useSearchParams();
  const session = useQuery({ ...sessionQuery, enabled: hasSession });
  const [step, setStep] = useState<"password" | "totp">("password");
  const returnTo = safeReturnTo(parameters.get("return_to"));
  const isSignedIn = Boolean(session.data);

  useEffect(() => {
    if (isSignedIn) router.replace(returnTo);
  }, [isSignedIn, returnTo, router]);

  return (
    <div className="grid min-h-dvh lg:grid-cols-[minmax(0,1fr)_minmax(0,1.1fr)]">
      <main className="flex flex-col px-6 py-6 sm:px-12">
        <div className="flex items-center justify-between gap-4">
          <Wordmark className="text-pine" />
          <LanguageSwitch />
        </div>
        <div className="m-auto w-full max-w-sm py-10">
          {step === "password" ? (
            <PasswordStep
              returnTo={returnTo}
              hasProviderFailed={parameters.has("error")}
              onTotpRequired={() => setStep("totp")}
              onSignedIn={() => void session.refetch()}
            />
          ) : (
            <TotpStep onSignedIn={() => void session.refetch()} onBack={() => setStep("password")} />
          )}
        </div>
      </main>
      <aside className="relative hidden overflow-hidden bg-night text-night-text lg:block">
        <RingArt />
        <div className="absolute inset-x-0 bottom-0 bg-linear-to-t from-night via-night/80 to-transparent p-12 pt-28">
          <p className="font-serif text-3xl leading-snug font-semibold text-white">{t("promiseTitle")}</p>
          <p className="mt-3 max-w-md text-sm leading-relaxed">{t("promise")}</p>
        </div>
      </aside>
    </div>
  );
}
