"use client";

import { useQueries } from "@tanstack/react-query";
import { useLocale } from "next-intl";
import type { DocumentDetail } from "@/api/types";
import { useOrgUnits } from "@/api/org";
import { personQuery } from "@/api/people";
import { primaryName } from "@/people/name";
import type { Option } from "@/ui/combobox";

const TODAY = {};

interface NamedReaders {
  readonly people: readonly Option[];
  readonly units: readonly Option[];
  readonly isPending: boolean;
}

/** The names of those whom a document has as readers; a number stands for one that cannot be read. */
export function useReaders({ readers }: DocumentDetail): NamedReaders {
  const locale = useLocale();
  const units = useOrgUnits(TODAY);
  const people = useQueries({ queries: (readers?.person_ids ?? []).map((id) => personQuery(id, TODAY)) });
  return {
    isPending: people.some((one) => one.isPending) || units.isPending,
    people: (readers?.person_ids ?? []).map((id, place) => {
      const person = people[place]?.data;
      return { id, label: person ? primaryName(person.name, locale) : `#${id}` };
    }),
    units: (readers?.unit_ids ?? []).map((id) => ({
      id,
      label: units.data?.find((unit) => unit.id === id)?.name ?? `#${id}`,
    })),
  };
}
