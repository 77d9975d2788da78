"use client";

import { useLocale, useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { useState, type FormEvent } from "react";
import { useHire } from "@/api/people";
import { AppLink } from "@/shell/link";
import { addMonths, firstOfMonth, isDay } from "@/time/days";
import { longDay } from "@/time/format";
import { useAsOf } from "@/time/use-as-of";
import { Button } from "@/ui/button";
import { Field, Input, TextArea } from "@/ui/field";
import { PageHead, Section } from "@/ui/page";
import { ErrorNote } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { DateField } from "./date-field";
import { EmploymentKindField, type EmploymentKind } from "./employment-kind-field";
import { fieldErrors } from "./field-errors";
import { EMPTY_NAME, isNameReady, NameFields } from "./name-fields";
import { PostFields } from "./post-fields";
import { EMPTY_POST, fteOf, wholePost } from "./post-form";

/** 入社: a new person with their first post. */
export function HirePage() {
  const t = useTranslations("actions");
  const locale = useLocale();
  const router = useRouter();
  const announce = useToast();
  const hire = useHire();
  const form = useHireForm();
  const errorOf = fieldErrors(hire.error);

  function submit(event: FormEvent) {
    event.preventDefault();
    hire.mutate(form.request, {
      onSuccess: (order) => {
        announce(t("hire.done", { date: longDay(form.hiredOn, locale) }));
        router.push(order.person ? `/people/${order.person.id}?as_of=${form.hiredOn}` : "/people");
      },
    });
  }

  return (
    <>
      <PageHead title={t("hire.title")} lead={t("hire.help")} />
      <form onSubmit={submit} className="max-w-4xl space-y-5">
        <Section title={t("hire.who")} bodyClassName="grid gap-4 sm:grid-cols-2">
          <Field label={t("employeeNumber")} required error={errorOf("employee_number")}>
            <Input
              value={form.number}
              maxLength={50}
              required
              className="tabular"
              onChange={(event) => form.setNumber(event.target.value)}
            />
          </Field>
          <Field label={t("workEmail")} error={errorOf("work_email")}>
            <Input
              type="email"
              value={form.email}
              maxLength={254}
              onChange={(event) => form.setEmail(event.target.value)}
            />
          </Field>
          <NameFields value={form.names} onChange={form.setNames} errorOf={errorOf} />
        </Section>
        <Section title={t("hire.where")} bodyClassName="grid gap-4 sm:grid-cols-2">
          <DateField
            label={t("hiredOn")}
            required
            value={form.hiredOn}
            onChange={form.setHiredOn}
            error={errorOf("hired_on")}
          />
          <EmploymentKindField value={form.kind} onChange={form.setKind} error={errorOf("kind")} />
          <PostFields
            value={form.post}
            onChange={form.setPost}
            dates={isDay(form.hiredOn) ? { as_of: form.hiredOn } : {}}
            errorOf={errorOf}
          />
          <Field label={t("reason")} error={errorOf("reason")} className="sm:col-span-2">
            <TextArea
              value={form.reason}
              maxLength={2000}
              onChange={(event) => form.setReason(event.target.value)}
            />
          </Field>
        </Section>
        <ErrorNote error={hire.error} />
        <div className="flex justify-end gap-2">
          <Button asChild>
            <AppLink href="/people">{t("cancel")}</AppLink>
          </Button>
          <Button type="submit" look="primary" isBusy={hire.isPending} disabled={!form.isReady}>
            {t("hire.submit")}
          </Button>
        </div>
      </form>
    </>
  );
}

function useHireForm() {
  const { today } = useAsOf();
  const [number, setNumber] = useState("");
  const [email, setEmail] = useState("");
  const [names, setNames] = useState(EMPTY_NAME);
  const [hiredOn, setHiredOn] = useState(() => addMonths(firstOfMonth(today), 1));
  const [kind, setKind] = useState<EmploymentKind>("regular");
  const [post, setPost] = useState(EMPTY_POST);
  const [reason, setReason] = useState("");
  const request = {
    employee_number: number,
    work_email: email || null,
    hired_on: hiredOn,
    kind,
    reason,
    ...names,
    ...wholePost(post),
  };
  const isReady =
    number.trim() !== "" &&
    isNameReady(names) &&
    isDay(hiredOn) &&
    post.unit !== null &&
    fteOf(post.share) !== null;
  return {
    ...{ number, setNumber, email, setEmail, names, setNames, hiredOn, setHiredOn },
    ...{ kind, setKind, post, setPost, reason, setReason, request, isReady },
  };
}
