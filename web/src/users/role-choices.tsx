"use client";

import { useTranslations } from "next-intl";
import type { RoleName } from "@/api/types";
import { Checkbox } from "@/ui/checkbox";

export const ROLES = ["owner", "hr", "manager", "employee", "auditor"] as const satisfies readonly RoleName[];

interface RoleChoicesProps {
  value: readonly RoleName[];
  onChange: (roles: RoleName[]) => void;
}

/** Roles with what each may do, so that nobody has to guess. */
export function RoleChoices({ value, onChange }: RoleChoicesProps) {
  const t = useTranslations("users");
  const role = useTranslations("roles");
  return (
    <fieldset className="space-y-3 sm:col-span-2">
      <legend className="mb-2 text-[0.8125rem] font-medium text-soft">{t("roles")}</legend>
      {ROLES.map((name) => (
        <Checkbox
          key={name}
          label={role(name)}
          help={t(`roleHelp.${name}`)}
          checked={value.includes(name)}
          onChange={(event) =>
            onChange(event.target.checked ? [...value, name] : value.filter((one) => one !== name))
          }
        />
      ))}
    </fieldset>
  );
}
