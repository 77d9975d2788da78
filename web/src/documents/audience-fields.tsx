"use client";

import { X } from "lucide-react";
import { useTranslations } from "next-intl";
import { AUDIENCES } from "@/api/documents";
import type { Audience } from "@/api/types";
import { UnitCombobox } from "@/org/unit-combobox";
import { ManagerCombobox } from "@/people/manager-combobox";
import type { Option } from "@/ui/combobox";
import { Field, Select } from "@/ui/field";

/** Who may see a document, while it is being chosen. */
export interface AudienceChoice {
  readonly audience: Audience;
  readonly person: Option | null;
  readonly people: readonly Option[];
  readonly units: readonly Option[];
}

export const EVERYONE: AudienceChoice = { audience: "everyone", person: null, people: [], units: [] };

/** A document about a person names them; one for chosen readers names at least one. */
export function isComplete({ audience, person, people, units }: AudienceChoice): boolean {
  if (audience === "person") return person !== null;
  return audience !== "chosen" || people.length + units.length > 0;
}

export function readersOf(choice: AudienceChoice) {
  return {
    audience: choice.audience,
    personId: choice.person?.id ?? null,
    readerPersonIds: choice.people.map((one) => one.id),
    readerUnitIds: choice.units.map((one) => one.id),
  };
}

interface AudienceFieldsProps {
  value: AudienceChoice;
  onChange: (value: AudienceChoice) => void;
  disabled?: boolean;
}

const NOW = {};

export function AudienceFields({ value, onChange, disabled }: AudienceFieldsProps) {
  const t = useTranslations("documents");
  return (
    <>
      <Field label={t("audienceLabel")} help={t(`audienceHelp.${value.audience}`)} required>
        <Select
          value={value.audience}
          disabled={disabled}
          onChange={(event) => {
            const audience = AUDIENCES.find((one) => one === event.target.value);
            if (audience) onChange({ ...value, audience });
          }}
        >
          {AUDIENCES.map((audience) => (
            <option key={audience} value={audience}>
              {t(`audience.${audience}`)}
            </option>
          ))}
        </Select>
      </Field>
      {value.audience === "person" && (
        <Field label={t("personLabel")} required>
          <ManagerCombobox
            value={value.person}
            onChange={(person) => onChange({ ...value, person })}
            dates={NOW}
          />
        </Field>
      )}
      {value.audience === "chosen" && (
        <div className="grid gap-4 sm:col-span-2 sm:grid-cols-2">
          <Field label={t("readerUnits")}>
            <UnitCombobox
              value={null}
              onChange={(unit) => unit && onChange({ ...value, units: withOne(value.units, unit) })}
              dates={NOW}
              placeholder={t("addUnit")}
            />
            <Chosen
              options={value.units}
              onRemove={(id) => onChange({ ...value, units: value.units.filter((one) => one.id !== id) })}
            />
          </Field>
          <Field label={t("readerPeople")}>
            <ManagerCombobox
              value={null}
              onChange={(person) => person && onChange({ ...value, people: withOne(value.people, person) })}
              dates={NOW}
            />
            <Chosen
              options={value.people}
              onRemove={(id) => onChange({ ...value, people: value.people.filter((one) => one.id !== id) })}
            />
          </Field>
        </div>
      )}
    </>
  );
}

function withOne(options: readonly Option[], added: Option): readonly Option[] {
  return options.some((one) => one.id === added.id) ? options : [...options, added];
}

function Chosen({ options, onRemove }: { options: readonly Option[]; onRemove: (id: number) => void }) {
  const t = useTranslations("documents");
  if (!options.length) return null;
  return (
    <ul className="mt-2 flex flex-wrap gap-1.5">
      {options.map((option) => (
        <li
          key={option.id}
          className="flex items-center gap-1 rounded-full bg-pine-tint py-0.5 pr-1 pl-2.5 text-[0.8125rem] text-pine-deep"
        >
          {option.label}
          <button
            type="button"
            aria-label={t("removeReader", { name: option.label })}
            onClick={() => onRemove(option.id)}
            className="grid size-6 place-items-center rounded-full hover:bg-surface"
          >
            <X aria-hidden className="size-3.5" />
          </button>
        </li>
      ))}
    </ul>
  );
}
