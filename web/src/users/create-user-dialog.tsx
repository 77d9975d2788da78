"use client";

import { Check, Copy } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useState } from "react";
import { useCreateUser } from "@/api/administration";
import type { CreatedUser, RoleName } from "@/api/types";
import { fieldErrors } from "@/actions/field-errors";
import { FormDialog } from "@/actions/form-dialog";
import { ManagerCombobox } from "@/people/manager-combobox";
import { Button } from "@/ui/button";
import type { Option } from "@/ui/combobox";
import { Dialog, DialogBody, DialogFooter } from "@/ui/dialog";
import { Field, Input } from "@/ui/field";
import { RoleChoices } from "./role-choices";

/** A new account; the first password is made by the server and shown exactly once. */
export function CreateUserDialog({ onClose }: { onClose: () => void }) {
  const t = useTranslations("users");
  const locale = useLocale();
  const create = useCreateUser();
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [person, setPerson] = useState<Option | null>(null);
  const [roles, setRoles] = useState<RoleName[]>(["employee"]);
  const errorOf = fieldErrors(create.error);
  if (create.data) return <Created created={create.data} onClose={onClose} />;

  function choosePerson(option: Option | null) {
    setPerson(option);
    if (option && !name) setName(option.label);
  }

  return (
    <FormDialog
      title={t("createTitle")}
      description={t("createHelp")}
      submitLabel={t("create")}
      onSubmit={() =>
        create.mutate({ email, display_name: name, roles, locale, ...(person && { person_id: person.id }) })
      }
      onClose={onClose}
      isBusy={create.isPending}
      isReady={email.trim() !== "" && name.trim() !== "" && roles.length > 0}
      error={create.error}
    >
      <Field
        label={t("person")}
        help={t("personHelp")}
        error={errorOf("person_id")}
        className="sm:col-span-2"
      >
        <ManagerCombobox value={person} onChange={choosePerson} dates={{}} />
      </Field>
      <Field label={t("email")} required error={errorOf("email")}>
        <Input
          type="email"
          required
          maxLength={254}
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
      </Field>
      <Field label={t("name")} required error={errorOf("display_name")}>
        <Input required maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />
      </Field>
      <RoleChoices value={roles} onChange={setRoles} />
    </FormDialog>
  );
}

function Created({ created, onClose }: { created: CreatedUser; onClose: () => void }) {
  const t = useTranslations("users");
  const [isCopied, setIsCopied] = useState(false);
  const password = created.initial_password;
  async function copy() {
    await navigator.clipboard.writeText(password ?? "");
    setIsCopied(true);
  }
  return (
    <Dialog
      isOpen
      onOpenChange={onClose}
      title={t("createdTitle", { name: created.user.display_name })}
      width="narrow"
    >
      <DialogBody className="space-y-3">
        {password ? (
          <>
            <p className="text-sm text-soft">{t("passwordOnce")}</p>
            <div className="flex items-center gap-2 rounded-lg bg-sunken px-4 py-3">
              <code className="min-w-0 flex-1 font-mono text-base break-all">{password}</code>
              <Button size="small" onClick={() => void copy()}>
                {isCopied ? <Check aria-hidden /> : <Copy aria-hidden />}
                {t(isCopied ? "copied" : "copy")}
              </Button>
            </div>
          </>
        ) : (
          <p className="text-sm text-soft">{t("createdPlain")}</p>
        )}
      </DialogBody>
      <DialogFooter>
        <Button look="primary" onClick={onClose}>
          {t("done")}
        </Button>
      </DialogFooter>
    </Dialog>
  );
}
