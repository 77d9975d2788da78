"use client";

import { KeyRound } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState, type FormEvent } from "react";
import { ApiProblem } from "@/api/problem";
import { useProviders, useSignIn } from "@/api/session";
import { Button } from "@/ui/button";
import { Checkbox } from "@/ui/checkbox";
import { Field, Input } from "@/ui/field";
import { ErrorNote } from "@/ui/states";
import { useHydrated } from "@/ui/use-hydrated";
import { useCountdown } from "./use-countdown";

interface PasswordStepProps {
  returnTo: string;
  hasProviderFailed: boolean;
  onTotpRequired: () => void;
  onSignedIn: () => void;
}

export function PasswordStep({ returnTo, hasProviderFailed, onTotpRequired, onSignedIn }: PasswordStepProps) {
  const t = useTranslations("auth");
  const signIn = useSignIn();
  const isHydrated = useHydrated();
  const [isShown, setIsShown] = useState(false);
  const problem = signIn.error instanceof ApiProblem ? signIn.error : null;
  const waitSeconds = useCountdown(problem?.status === 429 ? (problem.retryAfterSeconds ?? 30) : 0, problem);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    signIn.mutate(
      { email: String(form.get("email")).trim(), password: String(form.get("password")) },
      { onSuccess: ({ state }) => (state === "totp_required" ? onTotpRequired() : onSignedIn()) },
    );
  }

  return (
    <>
      <h1 className="font-serif text-2xl font-semibold">{t("title")}</h1>
      <p className="mt-1 text-sm text-soft">{t("lead")}</p>
      {hasProviderFailed && !signIn.error && (
        <p
          role="alert"
          className="mt-5 rounded-lg border border-danger-line bg-danger-tint px-4 py-3 text-sm text-danger"
        >
          {t("providerFailed")}
        </p>
      )}
      {/* Before its script runs a form is sent by the browser itself: by POST then, so that no password gets into an
          address, a log or the history; and the button waits until the script is there. */}
      <form method="post" onSubmit={submit} className="mt-6 space-y-4">
        <Field label={t("email")}>
          <Input name="email" type="email" autoComplete="username" inputMode="email" required autoFocus />
        </Field>
        <Field label={t("password")}>
          <Input
            name="password"
            type={isShown ? "text" : "password"}
            autoComplete="current-password"
            required
          />
        </Field>
        <Checkbox
          label={t("showPassword")}
          checked={isShown}
          onChange={(event) => setIsShown(event.target.checked)}
        />
        <ErrorNote error={signIn.error} />
        {waitSeconds > 0 && (
          <p role="status" className="tabular text-sm text-soft">
            {t("tooMany", { seconds: waitSeconds })}
          </p>
        )}
        <Button
          type="submit"
          look="primary"
          size="large"
          className="w-full"
          isBusy={signIn.isPending || signIn.isSuccess}
          disabled={!isHydrated || waitSeconds > 0}
        >
          {t("signIn")}
        </Button>
      </form>
      <ProviderButtons returnTo={returnTo} />
    </>
  );
}

function ProviderButtons({ returnTo }: { returnTo: string }) {
  const t = useTranslations("auth");
  const { data } = useProviders();
  if (!data?.items.length) return null;
  return (
    <div className="mt-6">
      <div className="flex items-center gap-3 text-xs text-faint before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
        {t("or")}
      </div>
      <ul className="mt-4 space-y-2">
        {data.items.map(({ id, name }) => (
          <li key={id}>
            <Button asChild size="large" className="w-full">
              {/* A plain link: the browser itself must travel to the provider and back. */}
              <a
                href={`/api/v1/auth/oidc/${encodeURIComponent(id)}/start?return_to=${encodeURIComponent(returnTo)}`}
              >
                <KeyRound aria-hidden />
                {t("withProvider", { name })}
              </a>
            </Button>
          </li>
        ))}
      </ul>
    </div>
  );
}
