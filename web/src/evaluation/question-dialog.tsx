"use client";

import { useTranslations } from "next-intl";
import { useState } from "react";
import { useEvaluationSteps } from "@/api/evaluation";
import type { EvaluationQuestion, QuestionSet, QuestionToKeep } from "@/api/types";
import { fieldErrors } from "@/actions/field-errors";
import { FormDialog } from "@/actions/form-dialog";
import { Field, Select, TextArea } from "@/ui/field";
import { useToast } from "@/ui/toast";
import { expectationOf, ExpectationFields, expectedBody, isToldCompletely } from "./expectation-fields";

/** The API counts questions of a request from nought; a dialog has one. */
function errorsOfOne(error: unknown): (field: string) => string | undefined {
  const errorOf = fieldErrors(error);
  return (field) => errorOf(`questions.0.${field}`) ?? errorOf(field);
}

interface QuestionDialogProps {
  setId: number;
  /** The question to change; null for a new one. */
  question: EvaluationQuestion | null;
  onClose: () => void;
}

export function QuestionDialog({ setId, question, onClose }: QuestionDialogProps) {
  const t = useTranslations("evaluation");
  const common = useTranslations("common");
  const announce = useToast();
  const { addQuestion, changeQuestion } = useEvaluationSteps();
  const [text, setText] = useState(question?.question ?? "");
  const [language, setLanguage] = useState<"" | "ja" | "en">(question?.language ?? "");
  const [expectation, setExpectation] = useState(() => expectationOf(question));
  const error = addQuestion.error ?? changeQuestion.error;
  const errorOf = errorsOfOne(error);

  function submit() {
    const given: QuestionToKeep = {
      question: text.trim(),
      ...(language && { language }),
      ...expectedBody(expectation),
    };
    const onSuccess = () => {
      announce(t("questionSaved"));
      onClose();
    };
    if (question) changeQuestion.mutate({ id: question.id, question: given }, { onSuccess });
    else addQuestion.mutate({ setId, question: given }, { onSuccess });
  }

  return (
    <FormDialog
      title={question ? t("editTitle") : t("addTitle")}
      submitLabel={question ? common("save") : t("addQuestion")}
      onSubmit={submit}
      onClose={onClose}
      isBusy={addQuestion.isPending || changeQuestion.isPending}
      isReady={text.trim() !== "" && isToldCompletely(expectation)}
      error={error}
    >
      <Field
        label={t("question")}
        help={question ? t("rewordHelp") : t("questionHelp")}
        required
        error={errorOf("question")}
        className="sm:col-span-2"
      >
        <TextArea
          required
          maxLength={2_000}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            // Other words may be in another language.
            setLanguage("");
          }}
        />
      </Field>
      <Field label={t("questionLanguage")} error={errorOf("language")} className="sm:col-span-2">
        <Select
          value={language}
          onChange={(event) =>
            setLanguage(event.target.value === "ja" || event.target.value === "en" ? event.target.value : "")
          }
        >
          <option value="">{t("languageAuto")}</option>
          <option value="ja">{t("language.ja")}</option>
          <option value="en">{t("language.en")}</option>
        </Select>
      </Field>
      <ExpectationFields value={expectation} onChange={setExpectation} errorOf={errorOf} />
    </FormDialog>
  );
}

interface AcceptDialogProps {
  question: EvaluationQuestion;
  sets: readonly QuestionSet[];
  onClose: () => void;
}

/** Takes a shared question over as it was asked, with what it is to find. */
export function AcceptDialog({ question, sets, onClose }: AcceptDialogProps) {
  const t = useTranslations("evaluation");
  const announce = useToast();
  const { acceptQuestion } = useEvaluationSteps();
  const [setId, setSetId] = useState(sets[0]?.id ?? 0);
  const [expectation, setExpectation] = useState(() => expectationOf(question));
  const errorOf = errorsOfOne(acceptQuestion.error);
  return (
    <FormDialog
      title={t("takeTitle")}
      submitLabel={t("take")}
      onSubmit={() =>
        acceptQuestion.mutate(
          {
            id: question.id,
            setId,
            question: { question: question.question, ...expectedBody(expectation) },
          },
          {
            onSuccess: () => {
              announce(t("taken"));
              onClose();
            },
          },
        )
      }
      onClose={onClose}
      isBusy={acceptQuestion.isPending}
      isReady={isToldCompletely(expectation)}
      error={acceptQuestion.error}
    >
      <blockquote className="border-l-2 border-pine-line pl-3 text-[0.9375rem] break-words whitespace-pre-wrap sm:col-span-2">
        {question.question}
      </blockquote>
      <Field label={t("set")} required className="sm:col-span-2">
        <Select value={setId} onChange={(event) => setSetId(Number(event.target.value))}>
          {sets.map((set) => (
            <option key={set.id} value={set.id}>
              {set.name}
            </option>
          ))}
        </Select>
      </Field>
      <ExpectationFields value={expectation} onChange={setExpectation} errorOf={errorOf} />
    </FormDialog>
  );
}
