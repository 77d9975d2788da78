"use client";

import { useTranslations } from "next-intl";
import { useDecideSkill, useDocumentSkills } from "@/api/matching";
import type { DocumentSkill } from "@/api/types";
import { percentOf } from "@/matching/percent";
import { SkillWords } from "@/matching/skill-words";
import { VerdictButtons } from "@/matching/verdict-buttons";
import { Section } from "@/ui/page";
import { ErrorNote, ErrorState, SkeletonRows } from "@/ui/states";

/** Skills that our model sees in a résumé: a proposal with its reasons, which a person decides on. */
export function SkillsSection({ documentId, versionId }: { documentId: number; versionId: number }) {
  const t = useTranslations("documents");
  const skills = useDocumentSkills(documentId, versionId);
  const decide = useDecideSkill(documentId);
  const items = skills.data?.items ?? [];
  return (
    <Section title={t("skills")} bodyClassName="p-0 py-0 sm:px-0">
      <p className="px-4 pt-3 text-sm text-soft sm:px-5">{t("skillsLead")}</p>
      <div className="px-4 sm:px-5">
        <ErrorNote error={decide.error} className="mt-3" />
      </div>
      {skills.isPending ? (
        <SkeletonRows rows={3} />
      ) : skills.isError ? (
        <ErrorState error={skills.error} onRetry={() => void skills.refetch()} />
      ) : items.length === 0 ? (
        <p className="px-4 py-4 text-sm text-faint sm:px-5">{t("noSkills")}</p>
      ) : (
        <ul className="mt-2 divide-y divide-line border-t border-line">
          {items.map((skill) => (
            <SkillLine
              key={skill.id}
              documentId={documentId}
              versionId={versionId}
              skill={skill}
              mayDecide={skills.data.may_decide}
              isBusy={decide.isPending && decide.variables.scoreId === skill.id}
              onDecide={(verdict) => decide.mutate({ scoreId: skill.id, verdict })}
            />
          ))}
        </ul>
      )}
      {skills.data && (
        <p className="border-t border-line px-4 py-2 text-xs break-all text-faint sm:px-5">
          {t("skillsBy", { version: skills.data.model_version })}
        </p>
      )}
    </Section>
  );
}

interface SkillLineProps {
  documentId: number;
  versionId: number;
  skill: DocumentSkill;
  mayDecide: boolean;
  isBusy: boolean;
  onDecide: (verdict: "accept" | "reject") => void;
}

function SkillLine({ documentId, versionId, skill, mayDecide, isBusy, onDecide }: SkillLineProps) {
  const t = useTranslations("documents");
  return (
    <li
      className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3 sm:px-5"
      aria-label={t("skillOf", { skill: skill.name })}
    >
      <span className="min-w-48 flex-1">
        <span className="flex flex-wrap items-baseline gap-x-2 text-sm">
          <span className="font-medium">{skill.name}</span>
          <span className="text-xs text-faint">{t("sure", { percent: percentOf(skill.score) })}</span>
        </span>
        <SkillWords documentId={documentId} versionId={versionId} words={skill.reasons} />
      </span>
      <VerdictButtons
        verdict={skill.verdict}
        words={{
          accept: t("accept"),
          reject: t("reject"),
          accepted: t("accepted"),
          rejected: t("rejected"),
        }}
        mayDecide={mayDecide}
        isBusy={isBusy}
        onDecide={onDecide}
      />
    </li>
  );
}
