"use client";

import { useTranslations } from "next-intl";
import type { FormEvent, ReactNode } from "react";
import { Button } from "@/ui/button";
import { Dialog, DialogBody, DialogFooter } from "@/ui/dialog";
import { ErrorNote } from "@/ui/states";

interface FormDialogProps {
  title: ReactNode;
  description?: ReactNode;
  submitLabel: string;
  onSubmit: () => void;
  onClose: () => void;
  isBusy: boolean;
  isReady?: boolean;
  isDangerous?: boolean;
  error: unknown;
  children: ReactNode;
}

/** A form in a dialog: fields in two columns, the error above the buttons, one way forward and one back. */
export function FormDialog(props: FormDialogProps) {
  const {
    title,
    description,
    submitLabel,
    onSubmit,
    onClose,
    isBusy,
    isReady = true,
    isDangerous,
    error,
    children,
  } = props;
  const t = useTranslations("common");
  function submit(event: FormEvent) {
    event.preventDefault();
    if (isReady) onSubmit();
  }
  return (
    <Dialog isOpen onOpenChange={(isOpen) => !isOpen && onClose()} title={title} description={description}>
      <form onSubmit={submit}>
        <DialogBody className="grid gap-4 sm:grid-cols-2">{children}</DialogBody>
        {error ? (
          <DialogBody className="pt-0">
            <ErrorNote error={error} />
          </DialogBody>
        ) : null}
        <DialogFooter>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button type="submit" look={isDangerous ? "danger" : "primary"} isBusy={isBusy} disabled={!isReady}>
            {submitLabel}
          </Button>
        </DialogFooter>
      </form>
    </Dialog>
  );
}
