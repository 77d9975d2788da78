"use client";

import { useTranslations } from "next-intl";
import { useState, type FormEvent } from "react";
import { useChangePassword } from "@/api/account";
import { useSession } from "@/api/session";
import { fieldErrors } from "@/actions/field-errors";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/field";
import { Section } from "@/ui/page";
import { ErrorNote } from "@/ui/states";
import { useToast } from "@/ui/toast";

export function PasswordSection() {
  const t = useTranslations("account");
  const { user } = useSession();
  const announce = useToast();
  const change = useChangePassword();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const errorOf = fieldErrors(change.error);
  const differs = again !== "" && again !== next;

  function submit(event: FormEvent) {
    event.preventDefault();
    change.mutate(
      { current_password: current, new_password: next },
      {
        onSuccess: () => {
          announce(t("passwordDone"));
          setCurrent("");
          setNext("");
          setAgain("");
        },
      },
    );
  }

  return (
    <Section title={t("password")}>
      <form onSubmit={submit} className="space-y-4">
        {/* Lets password managers know whose password this is. */}
        <input type="text" hidden readOnly autoComplete="username" value={user.email} />
        <Field label={t("currentPassword")} error={errorOf("current_password")}>
          <Input
            type="password"
            autoComplete="current-password"
            required
            value={current}
            onChange={(event) => setCurrent(event.target.value)}
          />
        </Field>
        <Field label={t("newPassword")} help={t("passwordHelp")} error={errorOf("new_password")}>
          <Input
            type="password"
            autoComplete="new-password"
            required
            value={next}
            onChange={(event) => setNext(event.target.value)}
          />
        </Field>
        <Field label={t("passwordAgain")} error={differs ? t("passwordDiffers") : undefined}>
          <Input
            type="password"
            autoComplete="new-password"
            required
            value={again}
            onChange={(event) => setAgain(event.target.value)}
          />
        </Field>
        <ErrorNote error={change.error} />
        <Button
          type="submit"
          look="primary"
          isBusy={change.isPending}
          disabled={!current || !next || again !== next}
        >
          {t("changePassword")}
        </Button>
      </form>
    </Section>
  );
}
