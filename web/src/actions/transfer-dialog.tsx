"use client";

import { useLocale, useTranslations } from "next-intl";
import { useState, type FormEvent } from "react";
import { useTransfer, useTransferPreview } from "@/api/people";
import { useSession } from "@/api/session";
import type { ChangeOrder, PersonDetail, TransferRequest } from "@/api/types";
import { primaryName } from "@/people/name";
import { addMonths, firstOfMonth, isDay } from "@/time/days";
import { longDay } from "@/time/format";
import { useAsOf } from "@/time/use-as-of";
import { Button } from "@/ui/button";
import { Dialog, DialogBody, DialogFooter } from "@/ui/dialog";
import { Field, TextArea } from "@/ui/field";
import { ErrorNote } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { DateField } from "./date-field";
import { fieldErrors } from "./field-errors";
import { PostFields } from "./post-fields";
import { changedPost, fteOf, isPostChanged, postOf } from "./post-form";
import { PreviewPanel } from "./preview-panel";

interface DialogProps {
  person: PersonDetail;
  onClose: () => void;
}

/** 異動: fill in, look at before and after as the server sees them, then confirm. */
export function TransferDialog({ person, onClose }: DialogProps) {
  const t = useTranslations("actions");
  const locale = useLocale();
  const { today } = useAsOf();
  const announce = useToast();
  const [step, setStep] = useState<"form" | "preview">("form");
  const form = useTransferForm(person);
  const preview = useTransferPreview(person.id);
  const transfer = useTransfer(person.id);

  function look(event: FormEvent) {
    event.preventDefault();
    preview.mutate(form.request, { onSuccess: () => setStep("preview") });
  }

  function confirm() {
    transfer.mutate(form.request, {
      onSuccess: (order) => {
        announce(doneText(order));
        onClose();
      },
      onError: () => setStep("form"),
    });
  }

  function doneText(order: ChangeOrder): string {
    const date = longDay(order.effective_on, locale);
    if (order.state === "proposed") return t("done.proposed");
    return order.state === "reserved" ? t("done.reserved", { date }) : t("done.applied");
  }

  const name = primaryName(person.name, locale);
  return (
    <Dialog
      isOpen
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title={t("transfer.title", { name })}
      description={step === "form" ? t("transfer.help") : t("transfer.previewHelp")}
      width="wide"
    >
      {step === "form" || !preview.data ? (
        <form onSubmit={look}>
          <DialogBody className="grid gap-4 sm:grid-cols-2">
            <TransferFields form={form} error={transfer.error ?? preview.error} personId={person.id} />
            <ErrorNote error={transfer.error ?? preview.error} className="sm:col-span-2" />
          </DialogBody>
          <DialogFooter>
            {!form.isChanged && <p className="mr-auto text-xs text-faint">{t("nothingChanged")}</p>}
            <Button onClick={onClose}>{t("cancel")}</Button>
            <Button type="submit" look="primary" isBusy={preview.isPending} disabled={!form.isReady}>
              {t("transfer.preview")}
            </Button>
          </DialogFooter>
        </form>
      ) : (
        <>
          <DialogBody>
            <PreviewPanel preview={preview.data} effectiveOn={form.effectiveOn} reason={form.reason} />
          </DialogBody>
          <DialogFooter>
            <Button onClick={() => setStep("form")}>{t("transfer.backToForm")}</Button>
            <Button look="primary" isBusy={transfer.isPending} onClick={confirm} autoFocus>
              <ConfirmLabel isFuture={form.effectiveOn > today} access={person.access} />
            </Button>
          </DialogFooter>
        </>
      )}
    </Dialog>
  );
}

/** HR decides at once, managers propose; a later date makes a reservation. */
function ConfirmLabel({ isFuture, access }: { isFuture: boolean; access: PersonDetail["access"] }) {
  const t = useTranslations("actions");
  const { roles } = useSession();
  const decides = roles.includes("hr") || roles.includes("owner");
  if (!decides && access !== "full") return t("transfer.propose");
  return isFuture ? t("transfer.reserve") : t("transfer.confirm");
}

function useTransferForm(person: PersonDetail) {
  const { today } = useAsOf();
  const [before] = useState(() => postOf(person.assignments.find((one) => one.kind === "primary")));
  const [post, setPost] = useState(before);
  const [effectiveOn, setEffectiveOn] = useState(() => addMonths(firstOfMonth(today), 1));
  const [reason, setReason] = useState("");
  const isChanged = isPostChanged(before, post);
  const request: TransferRequest = { effective_on: effectiveOn, reason, ...changedPost(before, post) };
  const isReady = isChanged && isDay(effectiveOn) && post.unit !== null && fteOf(post.share) !== null;
  return { post, setPost, effectiveOn, setEffectiveOn, reason, setReason, isChanged, isReady, request };
}

interface TransferFieldsProps {
  form: ReturnType<typeof useTransferForm>;
  error: unknown;
  personId: number;
}

function TransferFields({ form, error, personId }: TransferFieldsProps) {
  const t = useTranslations("actions");
  const { today } = useAsOf();
  const errorOf = fieldErrors(error);
  const dates = isDay(form.effectiveOn) ? { as_of: form.effectiveOn } : {};
  return (
    <>
      <DateField
        label={t("effectiveOn")}
        required
        value={form.effectiveOn}
        onChange={form.setEffectiveOn}
        error={errorOf("effective_on")}
        help={form.effectiveOn > today ? t("willReserve") : t("willApply")}
        className="sm:col-span-2 sm:max-w-xs"
      />
      <PostFields
        value={form.post}
        onChange={form.setPost}
        dates={dates}
        errorOf={errorOf}
        personId={personId}
      />
      <Field label={t("reason")} help={t("reasonHelp")} error={errorOf("reason")} className="sm:col-span-2">
        <TextArea
          value={form.reason}
          maxLength={2000}
          onChange={(event) => form.setReason(event.target.value)}
        />
      </Field>
    </>
  );
}
