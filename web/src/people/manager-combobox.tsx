"use client";

import { useLocale, useTranslations } from "next-intl";
import { useState } from "react";
import { usePeopleSearch, type Dates } from "@/api/people";
import { Combobox, type Option } from "@/ui/combobox";
import { useDebounced } from "@/ui/use-debounced";
import { primaryName } from "./name";

interface ManagerComboboxProps {
  value: Option | null;
  onChange: (option: Option | null) => void;
  dates: Dates;
  /** Somebody who cannot be chosen: nobody reports to themselves. */
  excludedId?: number;
}

export function ManagerCombobox({ value, onChange, dates, excludedId }: ManagerComboboxProps) {
  const t = useTranslations("people");
  const locale = useLocale();
  const [query, setQuery] = useState("");
  const settled = useDebounced(query.trim());
  const found = usePeopleSearch(settled, dates, true);
  const options = (found.data?.items ?? [])
    .filter((person) => person.id !== excludedId)
    .map((person) => ({
      id: person.id,
      label: primaryName(person.name, locale),
      detail: [person.employee_number, person.org_unit?.name, person.position?.title]
        .filter(Boolean)
        .join(" · "),
    }));
  return (
    <Combobox
      value={value}
      onChange={onChange}
      options={options}
      query={query}
      onQueryChange={setQuery}
      placeholder={t("searchPerson")}
      isLoading={found.isFetching}
    />
  );
}
