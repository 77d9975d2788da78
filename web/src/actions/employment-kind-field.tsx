"use client";

import { useTranslations } from "next-intl";
import { EMPLOYMENT_KINDS } from "@/person/choices";
import { Field, Select } from "@/ui/field";

export type EmploymentKind = (typeof EMPLOYMENT_KINDS)[number];

interface EmploymentKindFieldProps {
  value: EmploymentKind;
  onChange: (kind: EmploymentKind) => void;
  error: string | undefined;
}

export function EmploymentKindField({ value, onChange, error }: EmploymentKindFieldProps) {
  const t = useTranslations("person");
  return (
    <Field label={t("employmentKind")} error={error}>
      <Select value={value} onChange={(event) => onChange(event.target.value as EmploymentKind)}>
        {EMPLOYMENT_KINDS.map((kind) => (
          <option key={kind} value={kind}>
            {t(`employment.${kind}`)}
          </option>
        ))}
      </Select>
    </Field>
  );
}
