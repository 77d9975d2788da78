"use client";

import { useTranslations } from "next-intl";
import { useState } from "react";
import type { AuditFilters } from "@/api/administration";
import { ManagerCombobox } from "@/people/manager-combobox";
import { isDay } from "@/time/days";
import type { Option } from "@/ui/combobox";
import { Field, Input, Select } from "@/ui/field";
import { ACTIONS, useActionName } from "./action-name";

interface AuditFilterBarProps {
  filters: AuditFilters;
  onChange: (filters: AuditFilters) => void;
}

/** What happened, to whom, between which days (of this browser's time zone). */
export function AuditFilterBar({ filters, onChange }: AuditFilterBarProps) {
  const t = useTranslations("audit");
  const actionName = useActionName();
  const [person, setPerson] = useState<Option | null>(null);
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");

  function put(changed: { [Name in keyof AuditFilters]: AuditFilters[Name] | undefined }) {
    const next = { ...filters, ...changed };
    onChange(Object.fromEntries(Object.entries(next).filter(([, value]) => value !== undefined)));
  }

  function putPeriod(nextFrom: string, nextTo: string) {
    setFrom(nextFrom);
    setTo(nextTo);
    put({
      from: isDay(nextFrom) ? new Date(`${nextFrom}T00:00:00`).toISOString() : undefined,
      to: isDay(nextTo) ? new Date(`${nextTo}T23:59:59.999`).toISOString() : undefined,
    });
  }

  return (
    <div className="card grid gap-3 p-4 sm:grid-cols-2 lg:grid-cols-4">
      <Field label={t("action")}>
        <Select
          value={filters.action ?? ""}
          onChange={(event) => put({ action: event.target.value || undefined })}
        >
          <option value="">{t("anyAction")}</option>
          {ACTIONS.map((action) => (
            <option key={action} value={action}>
              {actionName(action)}
            </option>
          ))}
        </Select>
      </Field>
      <Field label={t("person")}>
        <ManagerCombobox
          value={person}
          dates={{}}
          onChange={(option) => {
            setPerson(option);
            put({ subject_person_id: option?.id });
          }}
        />
      </Field>
      <Field label={t("from")}>
        <Input
          type="date"
          value={from}
          max={to || "2199-12-31"}
          onChange={(event) => putPeriod(event.target.value, to)}
        />
      </Field>
      <Field label={t("to")}>
        <Input
          type="date"
          value={to}
          min={from || "1900-01-01"}
          onChange={(event) => putPeriod(from, event.target.value)}
        />
      </Field>
    </div>
  );
}
