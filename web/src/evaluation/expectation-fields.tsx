"use client";

import { X } from "lucide-react";
import { useTranslations } from "next-intl";
import type { EvaluationQuestion, QuestionToKeep } from "@/api/types";
import { Field, Input, Select } from "@/ui/field";
import { DocumentCombobox } from "./document-combobox";

export interface Expectation {
  readonly expects: EvaluationQuestion["expects"];
  readonly documents: readonly { readonly id: number; readonly title: string; readonly quote: string }[];
}

export function expectationOf(question: EvaluationQuestion | null): Expectation {
  return {
    expects: question?.expects ?? "found",
    documents: (question?.expected ?? []).map((one) => ({
      id: one.document_id,
      title: one.title,
      quote: one.quote,
    })),
  };
}

/** What is to be found stands in a document; what is not stands in none. */
export function isToldCompletely({ expects, documents }: Expectation): boolean {
  return expects === "not_found" || documents.length > 0;
}

export function expectedBody({ expects, documents }: Expectation): Omit<QuestionToKeep, "question"> {
  return {
    expects,
    expected:
      expects === "found" ? documents.map((one) => ({ document_id: one.id, quote: one.quote.trim() })) : [],
  };
}

interface ExpectationFieldsProps {
  value: Expectation;
  onChange: (value: Expectation) => void;
  errorOf: (field: string) => string | undefined;
}

/** Where the answer stands: documents, each with the words of the passage that is meant. */
export function ExpectationFields({ value, onChange, errorOf }: ExpectationFieldsProps) {
  const t = useTranslations("evaluation");
  const { documents } = value;

  function change(place: number, quote: string) {
    onChange({ ...value, documents: documents.map((one, at) => (at === place ? { ...one, quote } : one)) });
  }

  return (
    <>
      <Field
        label={t("expects")}
        help={value.expects === "not_found" ? t("expectsNotFoundHelp") : undefined}
        className="sm:col-span-2"
      >
        <Select
          value={value.expects}
          onChange={(event) =>
            onChange({ ...value, expects: event.target.value === "not_found" ? "not_found" : "found" })
          }
        >
          <option value="found">{t("expectsFound")}</option>
          <option value="not_found">{t("expectsNotFound")}</option>
        </Select>
      </Field>
      {value.expects === "found" && (
        <div className="space-y-3 sm:col-span-2">
          <Field label={t("expected")} help={t("expectedHelp")} required error={errorOf("expected")}>
            <DocumentCombobox
              excludedIds={documents.map((one) => one.id)}
              onAdd={({ id, label }) =>
                onChange({ ...value, documents: [...documents, { id, title: label, quote: "" }] })
              }
            />
          </Field>
          {documents.length > 0 && (
            <ul className="space-y-3">
              {documents.map((one, place) => (
                <li key={one.id} className="rounded-lg border border-line px-3 py-3">
                  <div className="mb-2 flex items-start gap-2">
                    <p className="min-w-0 flex-1 pt-1 text-sm font-medium break-words">{one.title}</p>
                    <button
                      type="button"
                      aria-label={t("removeDocument", { title: one.title })}
                      onClick={() =>
                        onChange({ ...value, documents: documents.filter((other) => other !== one) })
                      }
                      className="grid size-8 shrink-0 place-items-center rounded-lg text-soft hover:bg-sunken"
                    >
                      <X aria-hidden className="size-4" />
                    </button>
                  </div>
                  <Field
                    label={
                      <>
                        <span aria-hidden>{t("quote")}</span>
                        <span className="sr-only">{t("quoteOf", { title: one.title })}</span>
                      </>
                    }
                    help={t("quoteHelp")}
                    error={errorOf(`expected.${place}.quote`) ?? errorOf(`expected.${place}.document_id`)}
                  >
                    <Input
                      maxLength={1_000}
                      value={one.quote}
                      onChange={(event) => change(place, event.target.value)}
                    />
                  </Field>
                </li>
              ))}
            </ul>
          )}
        </div>
      )}
    </>
  );
}
