"use client";

import { useLocale, useTranslations } from "next-intl";
import { useState } from "react";
import { useDeparture } from "@/api/people";
import type { PersonDetail } from "@/api/types";
import { primaryName } from "@/people/name";
import { addDays, addMonths, firstOfMonth, isDay } from "@/time/days";
import { longDay } from "@/time/format";
import { useAsOf } from "@/time/use-as-of";
import { Field, TextArea } from "@/ui/field";
import { useToast } from "@/ui/toast";
import { DateField } from "./date-field";
import { fieldErrors } from "./field-errors";
import { FormDialog } from "./form-dialog";

/** 退職: the last day of employment; the end of this month unless somebody says otherwise. */
export function DepartureDialog({ person, onClose }: { person: PersonDetail; onClose: () => void }) {
  const t = useTranslations("actions");
  const locale = useLocale();
  const { today } = useAsOf();
  const announce = useToast();
  const depart = useDeparture(person.id);
  const [leftOn, setLeftOn] = useState(() => addDays(addMonths(firstOfMonth(today), 1), -1));
  const [reason, setReason] = useState("");
  const errorOf = fieldErrors(depart.error);

  function submit() {
    depart.mutate(
      { left_on: leftOn, reason },
      {
        onSuccess: () => {
          announce(t("departure.done", { date: longDay(leftOn, locale) }));
          onClose();
        },
      },
    );
  }

  return (
    <FormDialog
      title={t("departure.title", { name: primaryName(person.name, locale) })}
      description={t("departure.help")}
      submitLabel={t("departure.submit")}
      onSubmit={submit}
      onClose={onClose}
      isBusy={depart.isPending}
      isReady={isDay(leftOn)}
      isDangerous
      error={depart.error}
    >
      <DateField
        label={t("departure.leftOn")}
        required
        value={leftOn}
        onChange={setLeftOn}
        error={errorOf("left_on")}
        help={t("departure.leftOnHelp")}
        className="sm:col-span-2"
      />
      {person.direct_reports.length > 0 && (
        <p className="rounded-lg bg-past-tint px-4 py-2.5 text-sm text-past-ink sm:col-span-2">
          {t("departure.hasReports", { count: person.direct_reports.length })}
        </p>
      )}
      <Field label={t("reason")} error={errorOf("reason")} className="sm:col-span-2">
        <TextArea value={reason} maxLength={2000} onChange={(event) => setReason(event.target.value)} />
      </Field>
    </FormDialog>
  );
}
