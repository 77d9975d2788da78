"use client";

import { useLocale, useTranslations } from "next-intl";
import { useState } from "react";
import { useConcurrentPost } from "@/api/people";
import type { PersonDetail } from "@/api/types";
import { primaryName } from "@/people/name";
import { addMonths, firstOfMonth, isDay } from "@/time/days";
import { useAsOf } from "@/time/use-as-of";
import { Field, TextArea } from "@/ui/field";
import { useToast } from "@/ui/toast";
import { DateField } from "./date-field";
import { fieldErrors } from "./field-errors";
import { FormDialog } from "./form-dialog";
import { PostFields } from "./post-fields";
import { EMPTY_POST, fteOf, wholePost } from "./post-form";

/** 兼務: a second post beside the primary one. */
export function ConcurrentDialog({ person, onClose }: { person: PersonDetail; onClose: () => void }) {
  const t = useTranslations("actions");
  const locale = useLocale();
  const { today } = useAsOf();
  const announce = useToast();
  const add = useConcurrentPost(person.id);
  const [post, setPost] = useState({ ...EMPTY_POST, share: "0" });
  const [fromOn, setFromOn] = useState(() => addMonths(firstOfMonth(today), 1));
  const [toOn, setToOn] = useState("");
  const [reason, setReason] = useState("");
  const errorOf = fieldErrors(add.error);

  function submit() {
    add.mutate(
      { from_on: fromOn, to_on: toOn || null, reason, ...wholePost(post) },
      {
        onSuccess: () => {
          announce(t("concurrent.done"));
          onClose();
        },
      },
    );
  }

  return (
    <FormDialog
      title={t("concurrent.title", { name: primaryName(person.name, locale) })}
      description={t("concurrent.help")}
      submitLabel={t("concurrent.submit")}
      onSubmit={submit}
      onClose={onClose}
      isBusy={add.isPending}
      isReady={post.unit !== null && isDay(fromOn) && fteOf(post.share) !== null}
      error={add.error}
    >
      <DateField
        label={t("fromOn")}
        required
        value={fromOn}
        onChange={setFromOn}
        error={errorOf("from_on")}
      />
      <DateField
        label={t("toOn")}
        value={toOn}
        onChange={setToOn}
        error={errorOf("to_on")}
        help={t("toOnHelp")}
      />
      <PostFields
        value={post}
        onChange={setPost}
        dates={isDay(fromOn) ? { as_of: fromOn } : {}}
        errorOf={errorOf}
        personId={person.id}
        hidesGrade
      />
      <Field label={t("reason")} error={errorOf("reason")} className="sm:col-span-2">
        <TextArea value={reason} maxLength={2000} onChange={(event) => setReason(event.target.value)} />
      </Field>
    </FormDialog>
  );
}
