"use client";

import { useLocale, useTranslations } from "next-intl";
import { useState } from "react";
import { useChangeNames } from "@/api/people";
import type { PersonDetail } from "@/api/types";
import { primaryName } from "@/people/name";
import { useAsOf } from "@/time/use-as-of";
import { Checkbox } from "@/ui/checkbox";
import { Field, Input } from "@/ui/field";
import { useToast } from "@/ui/toast";
import { DateField } from "./date-field";
import { fieldErrors } from "./field-errors";
import { FormDialog } from "./form-dialog";
import { EMPTY_NAME, isNameReady, NameFields } from "./name-fields";

/** 改姓 from a day on, or a spelling that was wrong from the start. */
export function NamesDialog({ person, onClose }: { person: PersonDetail; onClose: () => void }) {
  const t = useTranslations("actions");
  const locale = useLocale();
  const { today } = useAsOf();
  const announce = useToast();
  const change = useChangeNames(person.id);
  const [names, setNames] = useState(() => ({ ...EMPTY_NAME, ...withoutNulls(person.names) }));
  const [email, setEmail] = useState(person.work_email ?? "");
  const [effectiveOn, setEffectiveOn] = useState(today);
  const [isCorrection, setIsCorrection] = useState(false);
  const errorOf = fieldErrors(change.error);

  function submit() {
    change.mutate(
      {
        ...names,
        ...(email !== (person.work_email ?? "") && { work_email: email || null }),
        is_correction: isCorrection,
        ...(!isCorrection && { effective_on: effectiveOn }),
      },
      {
        onSuccess: () => {
          announce(t("names.done"));
          onClose();
        },
      },
    );
  }

  return (
    <FormDialog
      title={t("names.title", { name: primaryName(person.name, locale) })}
      description={t("names.help")}
      submitLabel={t("save")}
      onSubmit={submit}
      onClose={onClose}
      isBusy={change.isPending}
      isReady={isNameReady(names)}
      error={change.error}
    >
      <NameFields value={names} onChange={setNames} errorOf={errorOf} />
      <Field label={t("workEmail")} error={errorOf("work_email")} className="sm:col-span-2">
        <Input
          type="email"
          value={email}
          maxLength={254}
          onChange={(event) => setEmail(event.target.value)}
        />
      </Field>
      <Checkbox
        label={t("names.isCorrection")}
        help={t("names.isCorrectionHelp")}
        checked={isCorrection}
        onChange={(event) => setIsCorrection(event.target.checked)}
        className="sm:col-span-2"
      />
      {!isCorrection && (
        <DateField
          label={t("names.effectiveOn")}
          value={effectiveOn}
          max={today}
          onChange={setEffectiveOn}
          error={errorOf("effective_on")}
        />
      )}
    </FormDialog>
  );
}

function withoutNulls(names: PersonDetail["names"]): Partial<typeof EMPTY_NAME> {
  return Object.fromEntries(Object.entries(names).map(([part, value]) => [part, value ?? ""]));
}
