"use client";

import { Search } from "lucide-react";
import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { useState, type FormEvent } from "react";
import { useDescribeRole, useSkillNames } from "@/api/matching";
import { usePositions } from "@/api/org";
import { fieldErrors } from "@/actions/field-errors";
import { Button } from "@/ui/button";
import { Checkbox } from "@/ui/checkbox";
import { Field, Input, Select, TextArea } from "@/ui/field";
import { Section } from "@/ui/page";
import { ErrorNote } from "@/ui/states";

/** A role in words: its name or a position of the organisation, what it is about, what it requires. */
export function RoleForm() {
  const t = useTranslations("matching");
  const router = useRouter();
  const describe = useDescribeRole();
  const positions = usePositions();
  const [positionId, setPositionId] = useState<number | null>(null);
  const [title, setTitle] = useState("");
  const [description, setDescription] = useState("");
  const [skills, setSkills] = useState<readonly string[]>([]);
  const errorOf = fieldErrors(describe.error);
  const isReady = title.trim() !== "" && (description.trim() !== "" || skills.length > 0);

  function choosePosition(id: number) {
    const chosen = positions.data?.find((one) => one.id === id);
    setPositionId(chosen?.id ?? null);
    if (chosen) setTitle(chosen.title);
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    if (!isReady) return;
    describe.mutate(
      {
        title: title.trim(),
        description: description.trim(),
        skills: [...skills],
        ...(positionId !== null && { position_id: positionId }),
      },
      { onSuccess: ({ id }) => router.push(`/matching/${id}`) },
    );
  }
  return (
    <Section title={t("describe")}>
      <form onSubmit={submit} className="grid gap-4 sm:grid-cols-2">
        <Field label={t("roleTitle")} required error={errorOf("title")}>
          <Input
            value={title}
            maxLength={200}
            autoComplete="off"
            placeholder={t("roleTitleExample")}
            onChange={(event) => setTitle(event.target.value)}
          />
        </Field>
        <Field label={t("position")} help={t("positionHelp")} error={errorOf("position_id")}>
          <Select value={positionId ?? ""} onChange={(event) => choosePosition(Number(event.target.value))}>
            <option value="">{t("noPosition")}</option>
            {positions.data?.map((one) => (
              <option key={one.id} value={one.id}>
                {one.title}
              </option>
            ))}
          </Select>
        </Field>
        <Field
          label={t("description")}
          help={t("descriptionHelp")}
          error={errorOf("description")}
          className="sm:col-span-2"
        >
          <TextArea
            rows={5}
            value={description}
            maxLength={20_000}
            onChange={(event) => setDescription(event.target.value)}
          />
        </Field>
        <SkillChoice chosen={skills} onChange={setSkills} />
        <div className="sm:col-span-2">
          <ErrorNote error={describe.error} className="mb-3" />
          <Button type="submit" look="primary" isBusy={describe.isPending} disabled={!isReady}>
            {!describe.isPending && <Search aria-hidden />}
            {t("find")}
          </Button>
        </div>
      </form>
    </Section>
  );
}

interface SkillChoiceProps {
  chosen: readonly string[];
  onChange: (chosen: readonly string[]) => void;
}

function SkillChoice({ chosen, onChange }: SkillChoiceProps) {
  const t = useTranslations("matching");
  const names = useSkillNames();
  if (!names.data) return null;
  return (
    <fieldset className="sm:col-span-2">
      <legend className="mb-1.5 text-[0.8125rem] font-medium text-soft">{t("required")}</legend>
      <div className="grid grid-cols-2 gap-x-4 gap-y-2 sm:grid-cols-3 lg:grid-cols-4">
        {names.data.map(({ skill, name }) => (
          <Checkbox
            key={skill}
            label={name}
            checked={chosen.includes(skill)}
            onChange={(event) =>
              onChange(event.target.checked ? [...chosen, skill] : chosen.filter((one) => one !== skill))
            }
          />
        ))}
      </div>
    </fieldset>
  );
}
