"use client";

import { useLocale, useTranslations } from "next-intl";
import { useState } from "react";
import { useRehire } from "@/api/people";
import type { PersonDetail } from "@/api/types";
import { primaryName } from "@/people/name";
import { addMonths, firstOfMonth, isDay } from "@/time/days";
import { useAsOf } from "@/time/use-as-of";
import { Field, TextArea } from "@/ui/field";
import { useToast } from "@/ui/toast";
import { DateField } from "./date-field";
import { EmploymentKindField, type EmploymentKind } from "./employment-kind-field";
import { fieldErrors } from "./field-errors";
import { FormDialog } from "./form-dialog";
import { PostFields } from "./post-fields";
import { EMPTY_POST, fteOf, wholePost } from "./post-form";

/** 再入社: a new spell of employment of a person who left. */
export function RehireDialog({ person, onClose }: { person: PersonDetail; onClose: () => void }) {
  const t = useTranslations("actions");
  const locale = useLocale();
  const { today } = useAsOf();
  const announce = useToast();
  const rehire = useRehire(person.id);
  const [post, setPost] = useState(EMPTY_POST);
  const [hiredOn, setHiredOn] = useState(() => addMonths(firstOfMonth(today), 1));
  const [kind, setKind] = useState<EmploymentKind>("regular");
  const [reason, setReason] = useState("");
  const errorOf = fieldErrors(rehire.error);

  function submit() {
    rehire.mutate(
      { hired_on: hiredOn, kind, reason, ...wholePost(post) },
      {
        onSuccess: () => {
          announce(t("rehire.done"));
          onClose();
        },
      },
    );
  }

  return (
    <FormDialog
      title={t("rehire.title", { name: primaryName(person.name, locale) })}
      description={t("rehire.help")}
      submitLabel={t("rehire.submit")}
      onSubmit={submit}
      onClose={onClose}
      isBusy={rehire.isPending}
      isReady={post.unit !== null && isDay(hiredOn) && fteOf(post.share) !== null}
      error={rehire.error}
    >
      <DateField
        label={t("hiredOn")}
        required
        value={hiredOn}
        onChange={setHiredOn}
        error={errorOf("hired_on")}
      />
      <EmploymentKindField value={kind} onChange={setKind} error={errorOf("kind")} />
      <PostFields
        value={post}
        onChange={setPost}
        dates={isDay(hiredOn) ? { as_of: hiredOn } : {}}
        errorOf={errorOf}
        personId={person.id}
      />
      <Field label={t("reason")} error={errorOf("reason")} className="sm:col-span-2">
        <TextArea value={reason} maxLength={2000} onChange={(event) => setReason(event.target.value)} />
      </Field>
    </FormDialog>
  );
}
