"use client";

import { ArrowRight } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { useImportFields, type MappingRequest } from "@/api/imports";
import type { ImportColumn, ImportField, ImportJob } from "@/api/types";
import { Badge, type Tone } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Checkbox } from "@/ui/checkbox";
import { cn } from "@/ui/cn";
import { Select } from "@/ui/field";
import { ErrorNote, ErrorState, SkeletonRows } from "@/ui/states";
import {
  certaintyOf,
  duplicateFields,
  initialMapping,
  missingFields,
  type Certainty,
  type MappingForm,
} from "./mapping";

interface MappingStepProps {
  job: ImportJob;
  isBusy: boolean;
  error: unknown;
  onCheck: (mapping: MappingRequest) => void;
}

/** Which column means which field: guessed by the server, put right by a person. */
export function MappingStep({ job, isBusy, error, onCheck }: MappingStepProps) {
  const t = useTranslations("imports");
  const fields = useImportFields();
  const [mapping, setMapping] = useState<MappingForm>(() => initialMapping(job));
  const [mayCreateUnits, setMayCreateUnits] = useState(job.may_create_units);
  const [mayCreatePositions, setMayCreatePositions] = useState(job.may_create_positions);
  if (fields.isPending) return <SkeletonRows />;
  if (fields.isError) return <ErrorState error={fields.error} onRetry={() => void fields.refetch()} />;
  const twice = duplicateFields(mapping);
  const missing = missingFields(mapping, fields.data);

  function check() {
    onCheck({
      mapping: Object.fromEntries(Object.entries(mapping).map(([column, field]) => [column, field || null])),
      may_create_units: mayCreateUnits,
      may_create_positions: mayCreatePositions,
    });
  }

  return (
    <section className="card overflow-hidden">
      <div className="border-b border-line px-4 py-3 sm:px-5">
        <h2 className="font-serif font-semibold">{t("mappingTitle")}</h2>
        <p className="text-sm text-soft">{t("mappingHelp")}</p>
      </div>
      <ul className="divide-y divide-line">
        {job.columns.map((column) => (
          <ColumnRow
            key={column.name}
            column={column}
            fields={fields.data}
            chosen={mapping[column.name] ?? ""}
            isTwice={twice.has(mapping[column.name] ?? "")}
            onChoose={(field) => setMapping((now) => ({ ...now, [column.name]: field }))}
          />
        ))}
      </ul>
      <div className="space-y-3 border-t border-line px-4 py-4 sm:px-5">
        <Checkbox
          label={t("mayCreateUnits")}
          help={t("mayCreateUnitsHelp")}
          checked={mayCreateUnits}
          onChange={(event) => setMayCreateUnits(event.target.checked)}
        />
        <Checkbox
          label={t("mayCreatePositions")}
          checked={mayCreatePositions}
          onChange={(event) => setMayCreatePositions(event.target.checked)}
        />
        {missing.length > 0 && (
          <p role="status" className="text-sm font-medium text-danger">
            {t("missing", { fields: missing.map((field) => field.label).join("、") })}
          </p>
        )}
        <ErrorNote error={error} />
        <div className="flex justify-end">
          <Button
            look="primary"
            onClick={check}
            isBusy={isBusy}
            disabled={missing.length > 0 || twice.size > 0}
          >
            {t("check")}
          </Button>
        </div>
      </div>
    </section>
  );
}

interface ColumnRowProps {
  column: ImportColumn;
  fields: readonly ImportField[];
  chosen: string;
  isTwice: boolean;
  onChoose: (field: string) => void;
}

const CERTAINTY_TONES: Record<Certainty, Tone> = { sure: "today", likely: "past", unsure: "danger" };

function ColumnRow({ column, fields, chosen, isTwice, onChoose }: ColumnRowProps) {
  const t = useTranslations("imports");
  const certainty = certaintyOf(column, chosen);
  return (
    <li className="grid items-center gap-x-4 gap-y-1.5 px-4 py-3 sm:grid-cols-[minmax(0,1fr)_auto_minmax(0,1fr)] sm:px-5">
      <div className="min-w-0">
        <p className="text-sm font-medium break-words">{column.name}</p>
        <p className="truncate text-xs text-faint">
          {column.samples.filter(Boolean).join(" / ") || t("noSamples")}
        </p>
      </div>
      <ArrowRight aria-hidden className="size-4 text-faint max-sm:hidden" />
      <div className="flex items-center gap-2">
        <div className="min-w-0 flex-1">
          <FieldSelect
            column={column.name}
            fields={fields}
            chosen={chosen}
            isTwice={isTwice}
            onChoose={onChoose}
          />
          {isTwice && <p className="mt-1 text-xs font-medium text-danger">{t("twice")}</p>}
        </div>
        <span className="w-20 shrink-0">
          {certainty && <Badge tone={CERTAINTY_TONES[certainty]}>{t(`certainty.${certainty}`)}</Badge>}
        </span>
      </div>
    </li>
  );
}

const GROUPS = ["person", "employment", "assignment", "private"] as const;

interface FieldSelectProps extends Omit<ColumnRowProps, "column"> {
  column: string;
}

function FieldSelect({ column, fields, chosen, isTwice, onChoose }: FieldSelectProps) {
  const t = useTranslations("imports");
  return (
    <Select
      aria-label={t("fieldFor", { column })}
      aria-invalid={isTwice || undefined}
      value={chosen}
      onChange={(event) => onChoose(event.target.value)}
      className={cn(!chosen && "text-faint")}
    >
      <option value="">{t("ignore")}</option>
      {GROUPS.map((group) => (
        <optgroup key={group} label={t(`group.${group}`)}>
          {fields
            .filter((field) => field.group === group)
            .map((field) => (
              <option key={field.name} value={field.name}>
                {field.label}
              </option>
            ))}
        </optgroup>
      ))}
    </Select>
  );
}
