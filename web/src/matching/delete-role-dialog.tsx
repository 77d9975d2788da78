"use client";

import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { FormDialog } from "@/actions/form-dialog";
import { useDeleteRole } from "@/api/matching";
import type { RoleProfile } from "@/api/types";
import { useToast } from "@/ui/toast";

/** Asks once more: what was decided about candidates goes with the role. */
export function DeleteRoleDialog({ role, onClose }: { role: RoleProfile; onClose: () => void }) {
  const t = useTranslations("matching");
  const router = useRouter();
  const announce = useToast();
  const remove = useDeleteRole(role.id);
  return (
    <FormDialog
      title={t("removeTitle")}
      submitLabel={t("remove")}
      isDangerous
      onSubmit={() =>
        remove.mutate(undefined, {
          onSuccess: () => {
            announce(t("removed", { title: role.title }));
            router.push("/matching");
          },
        })
      }
      onClose={onClose}
      isBusy={remove.isPending}
      error={remove.error}
    >
      <p className="text-sm sm:col-span-2">{t("removeHelp", { title: role.title })}</p>
    </FormDialog>
  );
}
