"use client";

import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { useEvaluationSteps } from "@/api/evaluation";
import { useSession } from "@/api/session";
import type { QuestionSet } from "@/api/types";
import { fieldErrors } from "@/actions/field-errors";
import { FormDialog } from "@/actions/form-dialog";
import { Checkbox } from "@/ui/checkbox";
import { Field, Input } from "@/ui/field";
import { useToast } from "@/ui/toast";

/** Makes a set and leads into it, or changes the settings of one. */
export function SetDialog({ set, onClose }: { set: QuestionSet | null; onClose: () => void }) {
  const t = useTranslations("evaluation");
  const common = useTranslations("common");
  const router = useRouter();
  const announce = useToast();
  const { user } = useSession();
  const { makeSet, changeSet } = useEvaluationSteps();
  const [name, setName] = useState(set?.name ?? "");
  const [asksModel, setAsksModel] = useState(set?.asks_model ?? false);
  const [isAskerMe, setIsAskerMe] = useState(false);
  const error = makeSet.error ?? changeSet.error;
  const errorOf = fieldErrors(error);
  const isOthers = set !== null && set.asker_user_id !== user.id;

  function submit() {
    const wanted = { name: name.trim(), asksModel };
    if (set === null) {
      makeSet.mutate(wanted, {
        onSuccess: (made) => {
          announce(t("setCreated", { name: made.name }));
          router.push(`/evaluation/sets/${made.id}`);
        },
      });
      return;
    }
    changeSet.mutate(
      { id: set.id, ...wanted, ...(isAskerMe && { askerUserId: user.id }) },
      {
        onSuccess: () => {
          announce(t("setSaved"));
          onClose();
        },
      },
    );
  }

  return (
    <FormDialog
      title={set ? t("edit") : t("newSet")}
      submitLabel={set ? common("save") : t("newSet")}
      onSubmit={submit}
      onClose={onClose}
      isBusy={makeSet.isPending || changeSet.isPending}
      isReady={name.trim() !== ""}
      error={error}
    >
      <Field
        label={t("name")}
        help={t("nameHelp")}
        required
        error={errorOf("name")}
        className="sm:col-span-2"
      >
        <Input required maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />
      </Field>
      <Checkbox
        className="sm:col-span-2"
        checked={asksModel}
        onChange={(event) => setAsksModel(event.target.checked)}
        label={t("asksModelLabel")}
        help={t("asksModelHelp")}
      />
      {isOthers ? (
        <Checkbox
          className="sm:col-span-2"
          checked={isAskerMe}
          onChange={(event) => setIsAskerMe(event.target.checked)}
          label={t("askerMe", { name: user.display_name })}
          help={t("askerMeHelp", { name: set.asker_name })}
        />
      ) : (
        set === null && <p className="text-xs text-faint sm:col-span-2">{t("askerNote")}</p>
      )}
    </FormDialog>
  );
}
