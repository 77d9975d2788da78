"use client";

import { useTranslations } from "next-intl";
import { useState, type FormEvent } from "react";
import { useTotp } from "@/api/session";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/field";
import { ErrorNote } from "@/ui/states";

export function TotpStep({ onSignedIn, onBack }: { onSignedIn: () => void; onBack: () => void }) {
  const t = useTranslations("auth");
  const totp = useTotp();
  const [code, setCode] = useState("");

  function submit(event: FormEvent) {
    event.preventDefault();
    totp.mutate(code, { onSuccess: onSignedIn, onError: () => setCode("") });
  }

  return (
    <>
      <h1 className="font-serif text-2xl font-semibold">{t("totpTitle")}</h1>
      <p className="mt-1 text-sm text-soft">{t("totpLead")}</p>
      <form onSubmit={submit} className="mt-6 space-y-4">
        <Field label={t("code")}>
          <Input
            value={code}
            // Full-width digits come out of a Japanese keyboard; spaces out of an authenticator app.
            onChange={(event) => setCode(event.target.value.normalize("NFKC").replace(/\D/g, "").slice(0, 6))}
            inputMode="numeric"
            autoComplete="one-time-code"
            required
            autoFocus
            className="tabular h-12 text-center text-xl tracking-[0.4em]"
          />
        </Field>
        <ErrorNote error={totp.error} />
        <Button
          type="submit"
          look="primary"
          size="large"
          className="w-full"
          isBusy={totp.isPending}
          disabled={code.length !== 6}
        >
          {t("verify")}
        </Button>
        <Button look="link" onClick={onBack}>
          {t("back")}
        </Button>
      </form>
    </>
  );
}
