"use client";

import { useLocale, useTranslations } from "next-intl";
import { useState } from "react";
import { useCorrection } from "@/api/people";
import type { PersonDetail } from "@/api/types";
import { primaryName } from "@/people/name";
import { isDay } from "@/time/days";
import { useAsOf } from "@/time/use-as-of";
import { Field, TextArea } from "@/ui/field";
import { useToast } from "@/ui/toast";
import { DateField } from "./date-field";
import { fieldErrors } from "./field-errors";
import { FormDialog } from "./form-dialog";
import { PostFields } from "./post-fields";
import { changedPost, fteOf, isPostChanged, postOf } from "./post-form";

/** 訂正: what was recorded was wrong from a day on. What had been known until now stays on record. */
export function CorrectionDialog({ person, onClose }: { person: PersonDetail; onClose: () => void }) {
  const t = useTranslations("actions");
  const locale = useLocale();
  const { day } = useAsOf();
  const announce = useToast();
  const correct = useCorrection(person.id);
  const primary = person.assignments.find((one) => one.kind === "primary");
  const [before] = useState(() => postOf(primary));
  const [post, setPost] = useState(before);
  const [validFrom, setValidFrom] = useState(primary?.valid_from ?? day);
  const [reason, setReason] = useState("");
  const errorOf = fieldErrors(correct.error);

  function submit() {
    correct.mutate(
      { valid_from: validFrom, reason, ...changedPost(before, post) },
      {
        onSuccess: () => {
          announce(t("correction.done"));
          onClose();
        },
      },
    );
  }

  return (
    <FormDialog
      title={t("correction.title", { name: primaryName(person.name, locale) })}
      description={t("correction.help")}
      submitLabel={t("correction.submit")}
      onSubmit={submit}
      onClose={onClose}
      isBusy={correct.isPending}
      isReady={
        isPostChanged(before, post) &&
        isDay(validFrom) &&
        post.unit !== null &&
        fteOf(post.share) !== null &&
        reason.trim() !== ""
      }
      error={correct.error}
    >
      <DateField
        label={t("correction.validFrom")}
        required
        value={validFrom}
        onChange={setValidFrom}
        error={errorOf("valid_from")}
        help={t("correction.validFromHelp")}
        className="sm:col-span-2"
      />
      <PostFields
        value={post}
        onChange={setPost}
        dates={isDay(validFrom) ? { as_of: validFrom } : {}}
        errorOf={errorOf}
        personId={person.id}
      />
      <Field label={t("reason")} required error={errorOf("reason")} className="sm:col-span-2">
        <TextArea
          value={reason}
          maxLength={2000}
          required
          onChange={(event) => setReason(event.target.value)}
        />
      </Field>
    </FormDialog>
  );
}
