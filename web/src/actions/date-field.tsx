"use client";

import { useLocale } from "next-intl";
import type { ReactNode } from "react";
import { isDay } from "@/time/days";
import { eraYear } from "@/time/format";
import { Field, Input } from "@/ui/field";

interface DateFieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  required?: boolean;
  max?: string;
  help?: ReactNode;
  error?: string | undefined;
  className?: string;
}

/** A calendar day; Japanese readers see the era beside it. */
export function DateField({
  label,
  value,
  onChange,
  required,
  max = "2199-12-31",
  help,
  error,
  className,
}: DateFieldProps) {
  const locale = useLocale();
  const era = locale === "ja" && isDay(value) ? eraYear(value) : "";
  return (
    <Field
      label={label}
      help={
        [era, help].filter(Boolean).length ? (
          <>
            {era && <span className="mr-2">{era}</span>}
            {help}
          </>
        ) : undefined
      }
      error={error}
      {...(required && { required })}
      {...(className && { className })}
    >
      <Input
        type="date"
        min="1900-01-01"
        max={max}
        value={value}
        required={required}
        className="tabular"
        onChange={(event) => onChange(event.target.value)}
      />
    </Field>
  );
}
