"use client";

import { CircleAlert } from "lucide-react";
import { useTranslations } from "next-intl";
import { createContext, use, useId, type ComponentProps, type ReactNode } from "react";
import { cn } from "./cn";

interface FieldIds {
  id: string;
  describedBy: string | undefined;
  isInvalid: boolean;
  isRequired: boolean;
}

const FieldContext = createContext<FieldIds | null>(null);

/** What a control inside a Field needs, so that label, help and error belong to it for screen readers. */
export function useFieldProps() {
  const field = use(FieldContext);
  if (!field) return {};
  return {
    id: field.id,
    "aria-describedby": field.describedBy,
    "aria-invalid": field.isInvalid || undefined,
    "aria-required": field.isRequired || undefined,
  };
}

interface FieldProps {
  label: ReactNode;
  help?: ReactNode;
  error?: string | undefined;
  required?: boolean;
  className?: string;
  children: ReactNode;
}

export function Field({ label, help, error, required = false, className, children }: FieldProps) {
  const t = useTranslations("common");
  const id = useId();
  const describedBy = [help && `${id}-help`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  return (
    <div className={cn("min-w-0", className)}>
      <label htmlFor={id} className="mb-1 flex items-center gap-2 text-[0.8125rem] font-medium text-soft">
        {label}
        {required && (
          <span className="rounded bg-sunken px-1 text-[0.6875rem] font-normal text-soft">
            {t("required")}
          </span>
        )}
      </label>
      <FieldContext value={{ id, describedBy, isInvalid: Boolean(error), isRequired: required }}>
        {children}
      </FieldContext>
      {help && (
        <p id={`${id}-help`} className="mt-1 text-xs text-faint">
          {help}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className="mt-1 flex items-start gap-1 text-xs font-medium text-danger">
          <CircleAlert aria-hidden className="mt-0.5 size-3.5 shrink-0" />
          {error}
        </p>
      )}
    </div>
  );
}

const CONTROL =
  "h-10 w-full min-w-0 rounded-lg border border-edge/70 bg-surface px-3 text-[0.9375rem] text-ink placeholder:text-faint hover:border-edge aria-invalid:border-danger disabled:cursor-not-allowed disabled:bg-sunken disabled:text-faint";

export function Input({ className, ...rest }: ComponentProps<"input">) {
  return <input className={cn(CONTROL, className)} {...useFieldProps()} {...rest} />;
}

export function TextArea({ className, ...rest }: ComponentProps<"textarea">) {
  return (
    <textarea
      rows={2}
      className={cn(CONTROL, "h-auto py-2 leading-relaxed", className)}
      {...useFieldProps()}
      {...rest}
    />
  );
}

/** The browser's own select: best on phones, known to every screen reader, needs no script. */
export function Select({ className, children, ...rest }: ComponentProps<"select">) {
  return (
    <select className={cn(CONTROL, "select-arrow pr-8", className)} {...useFieldProps()} {...rest}>
      {children}
    </select>
  );
}
