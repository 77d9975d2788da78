"use client";

import { useTranslations } from "next-intl";
import { useDecideMatch } from "@/api/matching";
import type { RoleCandidate, RoleMatches } from "@/api/types";
import { AppLink } from "@/shell/link";
import { Badge } from "@/ui/badge";
import { ProgressBar } from "@/ui/progress";
import { ErrorNote } from "@/ui/states";
import { isSure, percentOf } from "./percent";
import { SkillWords } from "./skill-words";
import { VerdictButtons } from "./verdict-buttons";

/** Candidates in the order of their scores, each with what it rests on. */
export function CandidateList({ matches }: { matches: RoleMatches }) {
  const t = useTranslations("matching");
  const decide = useDecideMatch(matches.role.id);
  return (
    <>
      <ErrorNote error={decide.error} className="m-4" />
      <ol aria-label={t("candidates")} className="divide-y divide-line">
        {matches.items.map((candidate) => (
          <CandidateLine
            key={candidate.id}
            candidate={candidate}
            mayDecide={matches.may_decide}
            isBusy={decide.isPending && decide.variables.matchId === candidate.id}
            onDecide={(verdict) => decide.mutate({ matchId: candidate.id, verdict })}
          />
        ))}
      </ol>
    </>
  );
}

interface CandidateLineProps {
  candidate: RoleCandidate;
  mayDecide: boolean;
  isBusy: boolean;
  onDecide: (verdict: "accept" | "reject") => void;
}

function CandidateLine({ candidate, mayDecide, isBusy, onDecide }: CandidateLineProps) {
  const t = useTranslations("matching");
  const percent = percentOf(candidate.score);
  return (
    <li className="grid grid-cols-[2rem_minmax(0,1fr)] gap-x-3 gap-y-3 px-4 py-4 sm:px-5 lg:grid-cols-[2rem_minmax(0,1fr)_auto]">
      <span className="pt-0.5 text-right font-serif text-base text-soft tabular-nums">
        <span className="sr-only">{t("place", { place: candidate.place })}</span>
        <span aria-hidden>{candidate.place}</span>
      </span>
      <div className="min-w-0">
        <p className="flex flex-wrap items-baseline gap-x-3">
          <Who candidate={candidate} />
          <span className="text-sm tabular-nums">{t("match", { percent })}</span>
        </p>
        <div className="mt-1.5 max-w-72">
          <ProgressBar value={percent} total={100} label={t("match", { percent })} />
        </div>
        <Reasons candidate={candidate} />
      </div>
      <div className="max-lg:col-start-2">
        <VerdictButtons
          verdict={candidate.verdict}
          words={{
            accept: t("consider"),
            reject: t("leaveOut"),
            accepted: t("considered"),
            rejected: t("leftOut"),
          }}
          mayDecide={mayDecide}
          isBusy={isBusy}
          onDecide={onDecide}
        />
      </div>
    </li>
  );
}

/** The person, and the document that was read; of applicants only the document is known. */
function Who({ candidate }: { candidate: RoleCandidate }) {
  const document = (
    <AppLink
      href={`/documents/${candidate.document_id}`}
      leavesDate
      className="text-xs break-words text-pine underline-offset-4 hover:underline"
    >
      {candidate.title}
    </AppLink>
  );
  if (candidate.person_id === null || !candidate.person_name) return document;
  return (
    <>
      <AppLink
        href={`/people/${candidate.person_id}`}
        className="font-medium underline-offset-4 hover:underline"
      >
        {candidate.person_name}
      </AppLink>
      {document}
    </>
  );
}

function Reasons({ candidate }: { candidate: RoleCandidate }) {
  const t = useTranslations("matching");
  const documents = useTranslations("documents");
  return (
    <ul className="mt-2 space-y-1.5">
      {candidate.skills.map((one) => (
        <li key={one.skill} className="flex flex-wrap items-baseline gap-x-2 gap-y-0.5">
          {isSure(one.shown) ? (
            <>
              <span className="text-sm">
                {t("shown", { skill: one.name, percent: percentOf(one.shown) })}
              </span>
              {one.verdict && (
                <Badge tone={one.verdict === "accepted" ? "today" : "neutral"}>
                  {documents(one.verdict)}
                </Badge>
              )}
              <SkillWords
                documentId={candidate.document_id}
                versionId={candidate.version_id}
                words={one.words}
              />
            </>
          ) : (
            <span className="text-sm text-faint">{t("notShown", { skill: one.name })}</span>
          )}
        </li>
      ))}
    </ul>
  );
}
