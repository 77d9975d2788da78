"use client";

import type { UseMutationResult } from "@tanstack/react-query";
import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { FormDialog } from "@/actions/form-dialog";
import { useToast } from "@/ui/toast";

interface RemoveDialogProps {
  /** Whose words: the title, what goes along, the button, and what is said afterwards. */
  room: "documents" | "matching";
  title: string;
  removal: UseMutationResult<unknown, Error, void>;
  onClose: () => void;
}

/** Asks once more before something is deleted; afterwards the list of its room is shown. */
export function RemoveDialog({ room, title, removal, onClose }: RemoveDialogProps) {
  const t = useTranslations(room);
  const router = useRouter();
  const announce = useToast();
  function close() {
    // The page keeps the removal: what went wrong must not stand there when it is asked again.
    removal.reset();
    onClose();
  }
  return (
    <FormDialog
      title={t("removeTitle")}
      submitLabel={t("remove")}
      isDangerous
      onSubmit={() =>
        removal.mutate(undefined, {
          onSuccess: () => {
            announce(t("removed", { title }));
            router.push(`/${room}`);
          },
        })
      }
      onClose={close}
      isBusy={removal.isPending}
      error={removal.error}
    >
      <p className="text-sm sm:col-span-2">{t("removeHelp", { title })}</p>
    </FormDialog>
  );
}
