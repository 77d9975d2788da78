"use client";

import { useTranslations } from "next-intl";
import { useState } from "react";
import { useDecide, type Verdict } from "@/api/orders";
import type { ChangeOrder } from "@/api/types";
import { FormDialog } from "@/actions/form-dialog";
import { Field, TextArea } from "@/ui/field";
import { useToast } from "@/ui/toast";
import { OrderLine } from "./order-line";

interface DecisionDialogProps {
  order: ChangeOrder;
  verdict: Verdict;
  onClose: () => void;
}

const SUBMIT = { approve: "approve", reject: "reject", cancel: "cancelOrder" } as const;

/** Asks once more, and why; a rejection needs a reason that the requester can read. */
export function DecisionDialog({ order, verdict, onClose }: DecisionDialogProps) {
  const t = useTranslations("orders");
  const announce = useToast();
  const decide = useDecide();
  const [note, setNote] = useState("");
  const needsNote = verdict === "reject";

  function submit() {
    decide.mutate(
      { id: order.id, verdict, note },
      {
        onSuccess: () => {
          announce(t(`${verdict}Done`));
          onClose();
        },
      },
    );
  }

  return (
    <FormDialog
      title={t(`${verdict}Title`)}
      description={t(`${verdict}Help`)}
      submitLabel={t(SUBMIT[verdict])}
      onSubmit={submit}
      onClose={onClose}
      isBusy={decide.isPending}
      isReady={!needsNote || note.trim() !== ""}
      isDangerous={verdict === "cancel"}
      error={decide.error}
    >
      <div className="rounded-lg border border-line sm:col-span-2">
        <OrderLine order={order} />
      </div>
      <Field label={t("note")} help={t("noteHelp")} required={needsNote} className="sm:col-span-2">
        <TextArea value={note} maxLength={2000} onChange={(event) => setNote(event.target.value)} />
      </Field>
    </FormDialog>
  );
}
