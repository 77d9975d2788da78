"use client";

import { Check, X } from "lucide-react";
import { useTranslations } from "next-intl";
import { useDecideProposal, useProposals } from "@/api/documents";
import type { DocumentDetail, Proposal } from "@/api/types";
import { AppLink } from "@/shell/link";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Section } from "@/ui/page";
import { useToast } from "@/ui/toast";
import { ErrorNote, ErrorState, SkeletonRows } from "@/ui/states";
import { fieldNameKey } from "./field-name";
import { writeRange } from "./text";

/** What a résumé seems to say. Nothing of it is on record before a person accepts it. */
export function ProposalsSection({ document }: { document: DocumentDetail }) {
  const t = useTranslations("documents");
  const proposals = useProposals(document.id);
  const announce = useToast();
  const decide = useDecideProposal(document.id);
  const items = proposals.data?.items ?? [];
  return (
    <Section title={t("proposals")} bodyClassName="p-0 py-0 sm:px-0">
      <p className="px-4 pt-3 text-sm text-soft sm:px-5">{t("proposalsLead")}</p>
      <div className="px-4 sm:px-5">
        <ErrorNote error={decide.error} className="mt-3" />
      </div>
      {proposals.isPending ? (
        <SkeletonRows rows={3} />
      ) : proposals.isError ? (
        <ErrorState error={proposals.error} onRetry={() => void proposals.refetch()} />
      ) : items.length === 0 ? (
        <p className="px-4 py-4 text-sm text-faint sm:px-5">{t("noProposals")}</p>
      ) : (
        <ul className="mt-2 divide-y divide-line border-t border-line">
          {items.map((proposal) => (
            <ProposalLine
              key={proposal.id}
              documentId={document.id}
              proposal={proposal}
              isBusy={decide.isPending && decide.variables.proposalId === proposal.id}
              onDecide={(verdict) =>
                decide.mutate(
                  { proposalId: proposal.id, verdict },
                  { onSuccess: ({ note }) => note && announce(note) },
                )
              }
            />
          ))}
        </ul>
      )}
    </Section>
  );
}

interface ProposalLineProps {
  documentId: number;
  proposal: Proposal;
  isBusy: boolean;
  onDecide: (verdict: "accept" | "reject") => void;
}

function ProposalLine({ documentId, proposal, isBusy, onDecide }: ProposalLineProps) {
  const t = useTranslations("documents");
  const key = fieldNameKey(proposal.field);
  const field = t(`field.${key}`);
  const place = writeRange({ start: proposal.start, end: proposal.end });
  return (
    <li
      className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3 sm:px-5"
      aria-label={t("decideOf", { field })}
    >
      <span className="min-w-48 flex-1">
        <span className="block text-xs text-faint">{field}</span>
        <span className="block text-sm break-words whitespace-pre-line">{proposal.value}</span>
        <AppLink
          href={`/documents/${documentId}/versions/${proposal.version_id}?at=${place}`}
          leavesDate
          className="text-xs text-pine underline-offset-4 hover:underline"
        >
          {t("seePlace")}
        </AppLink>
        {!proposal.is_recorded_on_accept && (
          <span className="ml-2 text-xs text-faint">{t("keptWithDocument")}</span>
        )}
      </span>
      {proposal.state !== "proposed" ? (
        <Badge tone={proposal.state === "accepted" ? "today" : "neutral"}>{t(proposal.state)}</Badge>
      ) : (
        <span className="flex gap-2">
          <Button size="small" disabled={isBusy} onClick={() => onDecide("reject")}>
            <X aria-hidden />
            {t("reject")}
          </Button>
          <Button size="small" look="primary" isBusy={isBusy} onClick={() => onDecide("accept")}>
            {!isBusy && <Check aria-hidden />}
            {t("accept")}
          </Button>
        </span>
      )}
    </li>
  );
}
