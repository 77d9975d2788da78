"use client";

import { Ellipsis, FileUp, Pause, PencilLine, Play, Plus, Trash2 } from "lucide-react";
import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { useEvaluationSteps, useQuestionSets } from "@/api/evaluation";
import { useSession } from "@/api/session";
import type { QuestionSet } from "@/api/types";
import { FormDialog } from "@/actions/form-dialog";
import { BackLink } from "@/documents/document-page";
import { Button } from "@/ui/button";
import { Menu, MenuItem, MenuSeparator } from "@/ui/menu";
import { PageHead, Section } from "@/ui/page";
import { EmptyState, ErrorNote, ErrorState, SkeletonRows } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { FigureCards } from "./figure-cards";
import { ImportDialog } from "./import-dialog";
import { QuestionDialog } from "./question-dialog";
import { QuestionList } from "./question-list";
import { SetBadges } from "./set-list";
import { SetDialog } from "./set-dialog";

type Open = "add" | "import" | "edit" | "delete" | null;

export function SetPage({ id }: { id: number }) {
  const t = useTranslations("evaluation");
  const sets = useQuestionSets();
  const set = sets.data?.items.find((one) => one.id === id);
  return (
    <>
      <BackLink href="/evaluation">{t("back")}</BackLink>
      {set ? (
        <Loaded set={set} />
      ) : (
        <>
          <h1 className="sr-only">{t("title")}</h1>
          <div className="card">
            {sets.isPending ? (
              <SkeletonRows />
            ) : sets.isError ? (
              <ErrorState error={sets.error} onRetry={() => void sets.refetch()} />
            ) : (
              <EmptyState title={t("setGone")}>{t("setGoneHelp")}</EmptyState>
            )}
          </div>
        </>
      )}
    </>
  );
}

function Loaded({ set }: { set: QuestionSet }) {
  const t = useTranslations("evaluation");
  const mayKeep = useSession().may.import ?? false;
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);
  return (
    <>
      <PageHead
        title={<span className="break-words">{set.name}</span>}
        lead={
          <span className="flex flex-wrap items-center gap-2">
            {t("setLead", { asker: set.asker_name, count: set.questions })}
            <SetBadges set={set} />
          </span>
        }
        actions={mayKeep && <Actions set={set} onOpen={setOpen} />}
      />
      <div className="space-y-5">
        {set.last && set.last.figures.length > 0 && (
          <Section title={t("newest")}>
            <FigureCards figures={set.last.figures} />
          </Section>
        )}
        <Section title={t("questions")} bodyClassName="p-0 py-0 sm:px-0">
          <QuestionList
            setId={set.id}
            mayKeep={mayKeep}
            onAdd={() => setOpen("add")}
            onImport={() => setOpen("import")}
          />
        </Section>
      </div>
      {open === "add" && <QuestionDialog setId={set.id} question={null} onClose={close} />}
      {open === "import" && <ImportDialog setId={set.id} onClose={close} />}
      {open === "edit" && <SetDialog set={set} onClose={close} />}
      {open === "delete" && <DeleteSetDialog set={set} onClose={close} />}
    </>
  );
}

function Actions({ set, onOpen }: { set: QuestionSet; onOpen: (open: Open) => void }) {
  const t = useTranslations("evaluation");
  const announce = useToast();
  const { changeSet } = useEvaluationSteps();
  const Icon = set.is_active ? Pause : Play;
  return (
    <>
      <Button look="primary" onClick={() => onOpen("add")}>
        <Plus aria-hidden />
        {t("addQuestion")}
      </Button>
      <Button onClick={() => onOpen("import")}>
        <FileUp aria-hidden />
        {t("import")}
      </Button>
      <Menu
        trigger={
          <Button aria-label={t("setMenu")} className="px-2.5" isBusy={changeSet.isPending}>
            <Ellipsis aria-hidden />
          </Button>
        }
      >
        <MenuItem onSelect={() => onOpen("edit")}>
          <PencilLine aria-hidden />
          {t("edit")}
        </MenuItem>
        <MenuItem
          onSelect={() =>
            changeSet.mutate(
              { id: set.id, isActive: !set.is_active },
              {
                onSuccess: () =>
                  announce(t(set.is_active ? "pausedDone" : "resumedDone", { name: set.name })),
              },
            )
          }
        >
          <Icon aria-hidden />
          {set.is_active ? t("pause") : t("resume")}
        </MenuItem>
        <MenuSeparator />
        <MenuItem onSelect={() => onOpen("delete")} className="text-danger [&_svg]:text-danger">
          <Trash2 aria-hidden />
          {t("deleteSet")}
        </MenuItem>
      </Menu>
      <ErrorNote error={changeSet.error} className="w-full" />
    </>
  );
}

function DeleteSetDialog({ set, onClose }: { set: QuestionSet; onClose: () => void }) {
  const t = useTranslations("evaluation");
  const router = useRouter();
  const announce = useToast();
  const { deleteSet } = useEvaluationSteps();
  return (
    <FormDialog
      title={t("deleteSetTitle")}
      submitLabel={t("deleteSet")}
      isDangerous
      onSubmit={() =>
        deleteSet.mutate(set.id, {
          onSuccess: () => {
            announce(t("deletedSet", { name: set.name }));
            router.push("/evaluation");
          },
        })
      }
      onClose={onClose}
      isBusy={deleteSet.isPending}
      error={deleteSet.error}
    >
      <p className="text-sm sm:col-span-2">{t("deleteSetHelp", { name: set.name })}</p>
    </FormDialog>
  );
}
