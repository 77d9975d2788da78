"use client";

import { useTranslations } from "next-intl";

/** Fields of orders that the portal has a word for; another one is shown as the API calls it. */
const FIELDS = [
  "org_unit",
  "position",
  "manager",
  "grade",
  "fte",
  "hired_on",
  "left_on",
  "kind",
  "name",
  "parent",
  "head",
  "from_on",
  "to_on",
  "valid_from",
  "valid_to",
  "employee_number",
] as const;

export function useFieldName(): (field: string, isOfPerson: boolean) => string {
  const t = useTranslations("orders");
  return (field, isOfPerson) => {
    if (field === "name" && isOfPerson) return t("personName");
    const known = FIELDS.find((one) => one === field || `${one}_id` === field);
    return known ? t(`field.${known}`) : field;
  };
}
