"use client";

import { useLocale, useTranslations } from "next-intl";
import { useState } from "react";
import { useChangePrivate } from "@/api/people";
import type { PersonDetail, PrivateRequest } from "@/api/types";
import { primaryName } from "@/people/name";
import { GENDERS } from "@/person/choices";
import { useAsOf } from "@/time/use-as-of";
import { Field, Input, Select } from "@/ui/field";
import { useToast } from "@/ui/toast";
import { DateField } from "./date-field";
import { fieldErrors } from "./field-errors";
import { FormDialog } from "./form-dialog";

const ADDRESS_PARTS = ["postal_code", "prefecture", "city", "line1", "line2"] as const;

/** Personal facts: date of birth, gender, home address, private contacts. */
export function PrivateDialog({ person, onClose }: { person: PersonDetail; onClose: () => void }) {
  const t = useTranslations("actions");
  const locale = useLocale();
  const announce = useToast();
  const change = useChangePrivate(person.id);
  const [form, setForm] = useState(() => formOf(person));
  const put = (part: Partial<PrivateForm>) => setForm((now) => ({ ...now, ...part }));

  function submit() {
    change.mutate(requestOf(form), {
      onSuccess: () => {
        announce(t("private.done"));
        onClose();
      },
    });
  }

  return (
    <FormDialog
      title={t("private.title", { name: primaryName(person.name, locale) })}
      description={t("private.help")}
      submitLabel={t("save")}
      onSubmit={submit}
      onClose={onClose}
      isBusy={change.isPending}
      error={change.error}
    >
      <PrivateFields form={form} put={put} error={change.error} />
    </FormDialog>
  );
}

type Gender = (typeof GENDERS)[number];

interface PrivateForm {
  birthOn: string;
  gender: Gender | "";
  email: string;
  phone: string;
  address: Record<(typeof ADDRESS_PARTS)[number], string>;
}

function formOf({ private: facts }: PersonDetail): PrivateForm {
  const address = facts?.address;
  return {
    birthOn: facts?.birth_on ?? "",
    gender: GENDERS.find((one) => one === facts?.gender) ?? "",
    email: facts?.personal_email ?? "",
    phone: facts?.personal_phone ?? "",
    address: {
      postal_code: address?.postal_code ?? "",
      prefecture: address?.prefecture ?? "",
      city: address?.city ?? "",
      line1: address?.line1 ?? "",
      line2: address?.line2 ?? "",
    },
  };
}

function requestOf(form: PrivateForm): PrivateRequest {
  return {
    birth_on: form.birthOn || null,
    gender: form.gender || null,
    personal_email: form.email || null,
    personal_phone: form.phone || null,
    address: form.address,
  };
}

interface PrivateFieldsProps {
  form: PrivateForm;
  put: (part: Partial<PrivateForm>) => void;
  error: unknown;
}

function PrivateFields({ form, put, error }: PrivateFieldsProps) {
  const t = useTranslations("actions");
  const label = useTranslations("person");
  const { today } = useAsOf();
  const errorOf = fieldErrors(error);
  return (
    <>
      <DateField
        label={label("birthOn")}
        value={form.birthOn}
        max={today}
        onChange={(birthOn) => put({ birthOn })}
        error={errorOf("birth_on")}
      />
      <Field label={label("gender")} error={errorOf("gender")}>
        <Select value={form.gender} onChange={(event) => put({ gender: event.target.value as Gender | "" })}>
          <option value="">{t("private.noGender")}</option>
          {GENDERS.map((gender) => (
            <option key={gender} value={gender}>
              {label(`genders.${gender}`)}
            </option>
          ))}
        </Select>
      </Field>
      {ADDRESS_PARTS.map((part) => (
        <Field
          key={part}
          label={t(`addressPart.${part}`)}
          error={errorOf(`address.${part}`)}
          className={part.startsWith("line") ? "sm:col-span-2" : undefined}
        >
          <Input
            value={form.address[part]}
            inputMode={part === "postal_code" ? "numeric" : "text"}
            autoComplete="off"
            onChange={(event) => put({ address: { ...form.address, [part]: event.target.value } })}
          />
        </Field>
      ))}
      <Field label={label("personalEmail")} error={errorOf("personal_email")}>
        <Input
          type="email"
          value={form.email}
          maxLength={254}
          onChange={(event) => put({ email: event.target.value })}
        />
      </Field>
      <Field label={label("personalPhone")} error={errorOf("personal_phone")}>
        <Input
          type="tel"
          value={form.phone}
          maxLength={40}
          onChange={(event) => put({ phone: event.target.value })}
        />
      </Field>
    </>
  );
}
