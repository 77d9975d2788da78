"use client";

import { useTranslations } from "next-intl";
import { Field, Input } from "@/ui/field";

export const NAME_PARTS = [
  "family_kanji",
  "given_kanji",
  "family_kana",
  "given_kana",
  "family_latin",
  "given_latin",
] as const;
export type NameForm = Record<(typeof NAME_PARTS)[number], string>;

export const EMPTY_NAME: NameForm = {
  family_kanji: "",
  given_kanji: "",
  family_kana: "",
  given_kana: "",
  family_latin: "",
  given_latin: "",
};

interface NameFieldsProps {
  value: NameForm;
  onChange: (next: NameForm) => void;
  errorOf: (field: string) => string | undefined;
}

/** Family and given name in the three scripts. Kanji or Latin letters are needed; the API says which is missing. */
export function NameFields({ value, onChange, errorOf }: NameFieldsProps) {
  const t = useTranslations("actions");
  return NAME_PARTS.map((part) => (
    <Field key={part} label={t(`name.${part}`)} error={errorOf(part)} required={part === "family_kanji"}>
      <Input
        value={value[part]}
        maxLength={100}
        lang={part.endsWith("latin") ? "en" : "ja"}
        autoComplete="off"
        onChange={(event) => onChange({ ...value, [part]: event.target.value })}
      />
    </Field>
  ));
}

export function isNameReady(name: NameForm): boolean {
  return Boolean(name.family_kanji.trim() || name.family_latin.trim());
}
