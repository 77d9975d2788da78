"use client";

import { Trash2 } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { RemoveDialog } from "@/actions/remove-dialog";
import { useDeleteRole, useRoleMatches } from "@/api/matching";
import type { RoleMatches } from "@/api/types";
import { BackLink } from "@/documents/document-page";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { PageHead, Section } from "@/ui/page";
import { EmptyState, ErrorState, SkeletonRows } from "@/ui/states";
import { CandidateList } from "./candidate-list";
import { percentOf } from "./percent";

/** Whose résumés match a role, as a model sees it and a person decides. */
export function RolePage({ id }: { id: number }) {
  const t = useTranslations("matching");
  const matches = useRoleMatches(id);
  return (
    <>
      <BackLink href="/matching">{t("back")}</BackLink>
      {matches.isPending ? (
        <div className="card">
          <SkeletonRows />
        </div>
      ) : matches.isError ? (
        <>
          <PageHead title={t("title")} />
          <div className="card">
            <ErrorState error={matches.error} onRetry={() => void matches.refetch()} />
          </div>
        </>
      ) : (
        <Loaded matches={matches.data} />
      )}
    </>
  );
}

function Loaded({ matches }: { matches: RoleMatches }) {
  const t = useTranslations("matching");
  const { role } = matches;
  const [isDeleting, setIsDeleting] = useState(false);
  const removal = useDeleteRole(role.id);
  return (
    <>
      <PageHead
        title={<span className="break-words">{role.title}</span>}
        lead={t("proposal")}
        actions={
          role.may_delete && (
            <Button onClick={() => setIsDeleting(true)}>
              <Trash2 aria-hidden />
              {t("remove")}
            </Button>
          )
        }
      />
      <div className="space-y-5">
        <Asked matches={matches} />
        <Candidates matches={matches} />
      </div>
      {isDeleting && (
        <RemoveDialog
          room="matching"
          title={role.title}
          removal={removal}
          onClose={() => setIsDeleting(false)}
        />
      )}
    </>
  );
}

function Asked({ matches: { role, asked } }: { matches: RoleMatches }) {
  const t = useTranslations("matching");
  return (
    <Section title={t("asked")}>
      {role.description && (
        <p className="mb-3 text-sm break-words whitespace-pre-line text-soft">{role.description}</p>
      )}
      {asked.length === 0 ? (
        <p className="text-sm">{t("nothingAsked")}</p>
      ) : (
        <ul className="flex flex-wrap gap-1.5">
          {asked.map((one) => (
            <li key={one.skill}>
              <Badge tone={one.is_required ? "today" : "outline"}>
                {one.is_required
                  ? t("askedRequired", { skill: one.name })
                  : t("askedText", { skill: one.name, percent: percentOf(one.asked) })}
              </Badge>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Candidates({ matches }: { matches: RoleMatches }) {
  const t = useTranslations("matching");
  const { asked, items, counted, waiting, is_cut: isCut } = matches;
  if (asked.length === 0) return null;
  return (
    <Section
      title={t("candidates")}
      aside={<span className="text-xs text-faint">{t("counted", { counted, shown: items.length })}</span>}
      bodyClassName="p-0 py-0 sm:px-0"
    >
      {(waiting > 0 || isCut) && (
        <div className="space-y-1 border-b border-line px-4 py-3 text-sm text-soft sm:px-5" role="note">
          {waiting > 0 && <p>{t("waiting", { count: waiting })}</p>}
          {isCut && <p>{t("cut")}</p>}
        </div>
      )}
      {items.length === 0 ? (
        <EmptyState title={t("nobody")}>{t("nobodyHelp")}</EmptyState>
      ) : (
        <CandidateList matches={matches} />
      )}
      <p className="border-t border-line px-4 py-2 text-xs break-all text-faint sm:px-5">
        {t("by", { version: matches.model_version })}
      </p>
    </Section>
  );
}
