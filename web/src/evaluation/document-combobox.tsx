"use client";

import { useTranslations } from "next-intl";
import { useState } from "react";
import { useDocuments } from "@/api/documents";
import { Combobox, type Option } from "@/ui/combobox";
import { useDebounced } from "@/ui/use-debounced";

interface DocumentComboboxProps {
  /** Those that are there already. */
  excludedIds: readonly number[];
  onAdd: (document: Option) => void;
}

/** Finds a document by its title; what is chosen is added, and the box is free for the next one. */
export function DocumentCombobox({ excludedIds, onAdd }: DocumentComboboxProps) {
  const t = useTranslations("evaluation");
  const documents = useTranslations("documents");
  const [query, setQuery] = useState("");
  const found = useDocuments({ q: useDebounced(query.trim()), kind: null, state: "ready" });
  const options = (found.data?.pages[0]?.items ?? [])
    .filter((one) => !excludedIds.includes(one.id))
    .map((one) => ({ id: one.id, label: one.title, detail: documents(`kind.${one.kind}`) }));
  return (
    <Combobox
      value={null}
      onChange={(option) => option && onAdd(option)}
      options={options}
      query={query}
      onQueryChange={setQuery}
      placeholder={t("addDocument")}
      isLoading={found.isFetching}
      emptyText={query.trim() ? undefined : t("noDocument")}
    />
  );
}
