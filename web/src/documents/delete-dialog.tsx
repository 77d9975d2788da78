"use client";

import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { useDocumentSteps } from "@/api/documents";
import type { DocumentDetail } from "@/api/types";
import { FormDialog } from "@/actions/form-dialog";
import { useToast } from "@/ui/toast";

/** Asks once more: what is deleted answers nobody from that moment on. */
export function DeleteDialog({ document, onClose }: { document: DocumentDetail; onClose: () => void }) {
  const t = useTranslations("documents");
  const router = useRouter();
  const announce = useToast();
  const { remove } = useDocumentSteps(document.id);
  return (
    <FormDialog
      title={t("removeTitle")}
      submitLabel={t("remove")}
      isDangerous
      onSubmit={() =>
        remove.mutate(undefined, {
          onSuccess: () => {
            announce(t("removed", { title: document.title }));
            router.push("/documents");
          },
        })
      }
      onClose={onClose}
      isBusy={remove.isPending}
      error={remove.error}
    >
      <p className="text-sm sm:col-span-2">{t("removeHelp", { title: document.title })}</p>
    </FormDialog>
  );
}
