"use client";

import { ShieldCheck, ShieldOff } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState, type FormEvent } from "react";
import { useConfirmTotp, useDisableTotp, useStartTotp } from "@/api/account";
import { useSession } from "@/api/session";
import type { TotpStart } from "@/api/types";
import { fieldErrors } from "@/actions/field-errors";
import { FormDialog } from "@/actions/form-dialog";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/field";
import { Section } from "@/ui/page";
import { ErrorNote } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { QrImage } from "./qr-image";

export function TotpSection() {
  const t = useTranslations("account");
  const { user } = useSession();
  const start = useStartTotp();
  const [isDisabling, setIsDisabling] = useState(false);
  const isOn = user.totp_enabled;
  const Icon = isOn ? ShieldCheck : ShieldOff;
  return (
    <Section title={t("totp")}>
      <p className="flex items-center gap-2 text-sm font-medium">
        <Icon aria-hidden className={isOn ? "size-5 text-pine" : "size-5 text-faint"} />
        {t(isOn ? "totpOn" : "totpOff")}
      </p>
      <p className="mt-1 text-sm text-soft">{t("totpHelp")}</p>
      <ErrorNote error={start.error} className="mt-3" />
      {isOn ? (
        <Button className="mt-4" onClick={() => setIsDisabling(true)}>
          {t("totpDisable")}
        </Button>
      ) : start.data ? (
        <SetUp offer={start.data} onDone={start.reset} />
      ) : (
        <Button look="primary" className="mt-4" onClick={() => start.mutate()} isBusy={start.isPending}>
          {t("totpStart")}
        </Button>
      )}
      {isDisabling && <DisableDialog onClose={() => setIsDisabling(false)} />}
    </Section>
  );
}

/** Scan, then prove it with one code; only then does the second factor count. */
function SetUp({ offer, onDone }: { offer: TotpStart; onDone: () => void }) {
  const t = useTranslations("account");
  const announce = useToast();
  const confirm = useConfirmTotp();
  const [code, setCode] = useState("");

  function submit(event: FormEvent) {
    event.preventDefault();
    confirm.mutate(code, {
      onSuccess: () => {
        announce(t("totpDone"));
        onDone();
      },
    });
  }

  return (
    <form onSubmit={submit} className="mt-4 space-y-4">
      <ol className="list-decimal space-y-3 pl-5 text-sm">
        <li>
          {t("totpScan")}
          <QrImage svg={offer.qr_svg} label={t("totpQr")} />
          <p className="mt-2 text-xs text-soft">
            {t("totpManual")}
            <code className="ml-1 font-mono break-all text-ink">{offer.secret}</code>
          </p>
        </li>
        <li>
          {t("totpEnter")}
          <Field label={t("code")} error={fieldErrors(confirm.error)("code")} className="mt-2 max-w-48">
            <Input
              value={code}
              onChange={(event) =>
                setCode(event.target.value.normalize("NFKC").replace(/\D/g, "").slice(0, 6))
              }
              inputMode="numeric"
              autoComplete="one-time-code"
              required
              className="tabular text-center tracking-[0.3em]"
            />
          </Field>
        </li>
      </ol>
      <ErrorNote error={confirm.error} />
      <div className="flex gap-2">
        <Button onClick={onDone}>{t("cancel")}</Button>
        <Button type="submit" look="primary" isBusy={confirm.isPending} disabled={code.length !== 6}>
          {t("totpConfirm")}
        </Button>
      </div>
    </form>
  );
}

function DisableDialog({ onClose }: { onClose: () => void }) {
  const t = useTranslations("account");
  const announce = useToast();
  const disable = useDisableTotp();
  const [password, setPassword] = useState("");
  return (
    <FormDialog
      title={t("totpDisableTitle")}
      description={t("totpDisableHelp")}
      submitLabel={t("totpDisable")}
      onSubmit={() =>
        disable.mutate(password, {
          onSuccess: () => {
            announce(t("totpDisabled"));
            onClose();
          },
        })
      }
      onClose={onClose}
      isBusy={disable.isPending}
      isReady={password !== ""}
      isDangerous
      error={disable.error}
    >
      <Field
        label={t("currentPassword")}
        error={fieldErrors(disable.error)("password")}
        className="sm:col-span-2"
      >
        <Input
          type="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
      </Field>
    </FormDialog>
  );
}
