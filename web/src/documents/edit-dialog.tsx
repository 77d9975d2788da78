"use client";

import { useTranslations } from "next-intl";
import { useState } from "react";
import { DOCUMENT_KINDS, useDocumentSteps } from "@/api/documents";
import type { DocumentDetail, DocumentKind } from "@/api/types";
import { fieldErrors } from "@/actions/field-errors";
import { FormDialog } from "@/actions/form-dialog";
import type { Option } from "@/ui/combobox";
import { Field, Input, Select } from "@/ui/field";
import { useToast } from "@/ui/toast";
import { AudienceFields, isComplete, readersOf, type AudienceChoice } from "./audience-fields";

interface EditDialogProps {
  document: DocumentDetail;
  /** Those who are named as readers now. */
  people: readonly Option[];
  units: readonly Option[];
  onClose: () => void;
}

/** Title, kind and readers; who may see a document changes the moment it is saved. */
export function EditDialog({ document, people, units, onClose }: EditDialogProps) {
  const t = useTranslations("documents");
  const announce = useToast();
  const { change } = useDocumentSteps(document.id);
  const [title, setTitle] = useState(document.title);
  const [kind, setKind] = useState<DocumentKind>(document.kind);
  const [choice, setChoice] = useState<AudienceChoice>({
    audience: document.audience,
    person:
      document.person_id === null
        ? null
        : { id: document.person_id, label: document.person_name ?? `#${document.person_id}` },
    people,
    units,
  });
  const errorOf = fieldErrors(change.error);
  return (
    <FormDialog
      title={t("edit")}
      submitLabel={useTranslations("common")("save")}
      onSubmit={() =>
        change.mutate(
          { title: title.trim(), kind, ...readersOf(choice) },
          {
            onSuccess: () => {
              announce(t("saved"));
              onClose();
            },
          },
        )
      }
      onClose={onClose}
      isBusy={change.isPending}
      isReady={title.trim() !== "" && isComplete(choice)}
      error={change.error}
    >
      <Field label={t("titleLabel")} required error={errorOf("title")} className="sm:col-span-2">
        <Input
          value={title}
          maxLength={300}
          autoComplete="off"
          onChange={(event) => setTitle(event.target.value)}
        />
      </Field>
      <Field label={t("kindLabel")} required error={errorOf("kind")}>
        <Select
          value={kind}
          onChange={(event) => setKind(DOCUMENT_KINDS.find((one) => one === event.target.value) ?? kind)}
        >
          {DOCUMENT_KINDS.map((one) => (
            <option key={one} value={one}>
              {t(`kind.${one}`)}
            </option>
          ))}
        </Select>
      </Field>
      <AudienceFields value={choice} onChange={setChoice} />
    </FormDialog>
  );
}
