"use client";

import { useTranslations } from "next-intl";
import { useState } from "react";
import { useSetRoles } from "@/api/administration";
import type { RoleName, UserRow } from "@/api/types";
import { FormDialog } from "@/actions/form-dialog";
import { useToast } from "@/ui/toast";
import { RoleChoices } from "./role-choices";

export function RolesDialog({ user, onClose }: { user: UserRow; onClose: () => void }) {
  const t = useTranslations("users");
  const announce = useToast();
  const setUserRoles = useSetRoles();
  const [roles, setRoles] = useState<RoleName[]>([...user.roles]);

  function submit() {
    setUserRoles.mutate(
      { id: user.id, roles },
      {
        onSuccess: () => {
          announce(t("rolesDone", { name: user.display_name }));
          onClose();
        },
      },
    );
  }

  return (
    <FormDialog
      title={t("rolesTitle", { name: user.display_name })}
      description={t("rolesHelp")}
      submitLabel={t("save")}
      onSubmit={submit}
      onClose={onClose}
      isBusy={setUserRoles.isPending}
      isReady={roles.length > 0}
      error={setUserRoles.error}
    >
      <RoleChoices value={roles} onChange={setRoles} />
    </FormDialog>
  );
}
