"use client";

import { FileText, FileUp, PencilLine, Plus, Trash2 } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { useEvaluationSteps, useSetQuestions } from "@/api/evaluation";
import type { EvaluationQuestion } from "@/api/types";
import { FormDialog } from "@/actions/form-dialog";
import { AppLink } from "@/shell/link";
import { Button } from "@/ui/button";
import { EmptyState, ErrorState, SkeletonRows } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { QuestionDialog } from "./question-dialog";

interface QuestionListProps {
  setId: number;
  mayKeep: boolean;
  onAdd: () => void;
  onImport: () => void;
}

type Open = { readonly kind: "edit" | "delete"; readonly question: EvaluationQuestion } | null;

export function QuestionList({ setId, mayKeep, onAdd, onImport }: QuestionListProps) {
  const t = useTranslations("evaluation");
  const common = useTranslations("common");
  const questions = useSetQuestions(setId);
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);
  if (questions.isPending) return <SkeletonRows rows={4} />;
  if (questions.isError)
    return <ErrorState error={questions.error} onRetry={() => void questions.refetch()} />;
  const items = questions.data.pages.flatMap((page) => page.items);
  return (
    <>
      {items.length === 0 ? (
        <EmptyState
          title={t("noQuestions")}
          action={
            mayKeep && (
              <span className="flex flex-wrap justify-center gap-2">
                <Button look="primary" onClick={onAdd}>
                  <Plus aria-hidden />
                  {t("addQuestion")}
                </Button>
                <Button onClick={onImport}>
                  <FileUp aria-hidden />
                  {t("import")}
                </Button>
              </span>
            )
          }
        >
          {mayKeep ? t("noQuestionsHelp") : t("noQuestionsReader")}
        </EmptyState>
      ) : (
        <ul aria-label={t("questions")} className="divide-y divide-line">
          {items.map((question) => (
            <li key={question.id}>
              <QuestionRow question={question} onOpen={mayKeep ? setOpen : null} />
            </li>
          ))}
        </ul>
      )}
      {questions.hasNextPage && (
        <div className="border-t border-line p-3 text-center">
          <Button
            size="small"
            onClick={() => void questions.fetchNextPage()}
            isBusy={questions.isFetchingNextPage}
          >
            {common("loadMore")}
          </Button>
        </div>
      )}
      {open?.kind === "edit" && <QuestionDialog setId={setId} question={open.question} onClose={close} />}
      {open?.kind === "delete" && <DeleteQuestionDialog question={open.question} onClose={close} />}
    </>
  );
}

interface QuestionRowProps {
  question: EvaluationQuestion;
  onOpen: ((open: Open) => void) | null;
}

function QuestionRow({ question, onOpen }: QuestionRowProps) {
  const t = useTranslations("evaluation");
  return (
    <div className="flex items-start gap-3 px-4 py-3 sm:px-5">
      <div className="min-w-0 flex-1">
        <p className="text-sm break-words whitespace-pre-wrap">{question.question}</p>
        <Expected question={question} />
        <p className="mt-1 text-xs text-faint">
          {t(`language.${question.language}`)} · {t(`source.${question.source}`)}
        </p>
      </div>
      {onOpen && (
        <div className="flex shrink-0 gap-1">
          <Button
            size="icon"
            look="quiet"
            aria-label={t("editQuestionOf", { question: question.question })}
            title={t("editQuestion")}
            onClick={() => onOpen({ kind: "edit", question })}
          >
            <PencilLine aria-hidden />
          </Button>
          <Button
            size="icon"
            look="quiet"
            aria-label={t("deleteQuestionOf", { question: question.question })}
            title={t("deleteQuestion")}
            onClick={() => onOpen({ kind: "delete", question })}
          >
            <Trash2 aria-hidden />
          </Button>
        </div>
      )}
    </div>
  );
}

function Expected({ question }: { question: EvaluationQuestion }) {
  const t = useTranslations("evaluation");
  if (question.expects === "not_found")
    return <p className="mt-1 text-[0.8125rem] text-soft">{t("expectsNothing")}</p>;
  if (question.expected.length === 0)
    return <p className="mt-1 text-[0.8125rem] text-danger">{t("expectsGone")}</p>;
  return <ExpectedDocuments expected={question.expected} />;
}

/** Documents with the words that are looked for in them. */
export function ExpectedDocuments({ expected }: { expected: EvaluationQuestion["expected"] }) {
  const t = useTranslations("evaluation");
  return (
    <ul className="mt-1 space-y-0.5">
      {expected.map((one) => (
        <li
          key={`${one.document_id} ${one.quote}`}
          className="flex min-w-0 items-start gap-1.5 text-[0.8125rem]"
        >
          <FileText aria-hidden className="mt-1 size-3.5 shrink-0 text-faint" />
          <span className="min-w-0 break-words">
            <AppLink
              href={`/documents/${one.document_id}`}
              leavesDate
              className="text-pine underline underline-offset-2"
            >
              {one.title}
            </AppLink>
            {one.quote && <span className="text-soft"> {t("quoted", { quote: one.quote })}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}

function DeleteQuestionDialog({ question, onClose }: { question: EvaluationQuestion; onClose: () => void }) {
  const t = useTranslations("evaluation");
  const announce = useToast();
  const { deleteQuestion } = useEvaluationSteps();
  return (
    <FormDialog
      title={t("deleteQuestionTitle")}
      submitLabel={t("deleteQuestion")}
      isDangerous
      onSubmit={() =>
        deleteQuestion.mutate(question.id, {
          onSuccess: () => {
            announce(t("questionDeleted"));
            onClose();
          },
        })
      }
      onClose={onClose}
      isBusy={deleteQuestion.isPending}
      error={deleteQuestion.error}
    >
      <p className="text-sm break-words sm:col-span-2">
        {t("deleteQuestionHelp", { question: question.question })}
      </p>
    </FormDialog>
  );
}
