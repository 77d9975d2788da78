"use client";

import { useTranslations } from "next-intl";
import { usePositions } from "@/api/org";
import type { Dates } from "@/api/people";
import { UnitCombobox } from "@/org/unit-combobox";
import { ManagerCombobox } from "@/people/manager-combobox";
import { Field, Input, Select } from "@/ui/field";
import { fteOf, type PostForm } from "./post-form";

interface PostFieldsProps {
  value: PostForm;
  onChange: (next: PostForm) => void;
  /** Units and managers of this day are offered. */
  dates: Dates;
  errorOf: (field: string) => string | undefined;
  personId?: number;
  hidesGrade?: boolean;
}

/** The fields that every post has; used wherever somebody is put somewhere. */
export function PostFields({ value, onChange, dates, errorOf, personId, hidesGrade }: PostFieldsProps) {
  const t = useTranslations("actions");
  const positions = usePositions();
  const put = (part: Partial<PostForm>) => onChange({ ...value, ...part });
  return (
    <>
      <Field label={t("unit")} required error={errorOf("org_unit_id")} className="sm:col-span-2">
        <UnitCombobox
          value={value.unit}
          onChange={(unit) => put({ unit })}
          dates={dates}
          isClearable={false}
        />
      </Field>
      <Field label={t("position")} error={errorOf("position_id")}>
        <Select
          value={value.positionId ?? ""}
          onChange={(event) => put({ positionId: event.target.value ? Number(event.target.value) : null })}
        >
          <option value="">{t("noPosition")}</option>
          {positions.data?.map((position) => (
            <option key={position.id} value={position.id}>
              {position.title}
            </option>
          ))}
        </Select>
      </Field>
      <Field label={t("manager")} error={errorOf("manager_id")}>
        <ManagerCombobox
          value={value.manager}
          onChange={(manager) => put({ manager })}
          dates={dates}
          {...(personId !== undefined && { excludedId: personId })}
        />
      </Field>
      {!hidesGrade && (
        <Field label={t("grade")} error={errorOf("grade")}>
          <Input
            value={value.grade}
            maxLength={50}
            onChange={(event) => put({ grade: event.target.value })}
          />
        </Field>
      )}
      <Field
        label={t("share")}
        error={errorOf("fte") ?? (value.share && fteOf(value.share) === null ? t("shareInvalid") : undefined)}
      >
        <div className="relative">
          <ShareInput value={value.share} onChange={(share) => put({ share })} />
          <span aria-hidden className="pointer-events-none absolute top-2 right-3 text-soft">
            %
          </span>
        </div>
      </Field>
    </>
  );
}

function ShareInput({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <Input
      value={value}
      inputMode="decimal"
      maxLength={5}
      required
      className="tabular pr-8"
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
