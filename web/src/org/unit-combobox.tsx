"use client";

import { useTranslations } from "next-intl";
import { useMemo, useState } from "react";
import { useOrgUnits } from "@/api/org";
import type { Dates } from "@/api/people";
import { Combobox, type Option } from "@/ui/combobox";
import { matchOptions, unitOptions } from "./units";

interface UnitComboboxProps {
  value: Option | null;
  onChange: (option: Option | null) => void;
  /** Units that exist on this day are offered. */
  dates: Dates;
  placeholder?: string;
  label?: string;
  isClearable?: boolean;
}

/** More would only slow the list down; typing narrows it. */
const MOST = 60;

export function UnitCombobox({ value, onChange, dates, placeholder, label, isClearable }: UnitComboboxProps) {
  const t = useTranslations("org");
  const [query, setQuery] = useState("");
  const units = useOrgUnits(dates);
  const all = useMemo(() => unitOptions(units.data ?? []), [units.data]);
  const options = useMemo(() => matchOptions(all, query).slice(0, MOST), [all, query]);
  return (
    <Combobox
      value={value}
      onChange={onChange}
      options={options}
      query={query}
      onQueryChange={setQuery}
      placeholder={placeholder ?? t("chooseUnit")}
      {...(label && { label })}
      isLoading={units.isPending}
      {...(isClearable !== undefined && { isClearable })}
    />
  );
}
