"use client";

import { ThumbsDown, ThumbsUp } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { useFeedback } from "@/api/assistant";
import type { Verdict } from "@/api/types";
import { Button } from "@/ui/button";
import { Checkbox } from "@/ui/checkbox";
import { cn } from "@/ui/cn";
import { Field, TextArea } from "@/ui/field";
import { ErrorNote } from "@/ui/states";

interface FeedbackBarProps {
  answerId: number;
  given: Verdict | null;
}

/**
 * Whether an answer helped: kept at once. What may follow is optional: for a "no" the reason, and for either the
 * question itself, which nobody but its asker sees unless they share it.
 */
export function FeedbackBar({ answerId, given }: FeedbackBarProps) {
  const t = useTranslations("assistant");
  const feedback = useFeedback(answerId);
  const [verdict, setVerdict] = useState(given);
  const [isAsking, setIsAsking] = useState(false);
  const [reason, setReason] = useState("");
  const [isShared, setIsShared] = useState(false);
  const [wasShared, setWasShared] = useState(false);

  function judge(next: Verdict) {
    setVerdict(next);
    setIsAsking(true);
    feedback.mutate(
      { verdict: next, reason: "", isShared: false },
      {
        onError: () => {
          setVerdict(given);
          setIsAsking(false);
        },
      },
    );
  }

  function tellMore() {
    if (!verdict) return;
    const why = verdict === "down" ? reason.trim() : "";
    if (!why && !isShared) {
      setIsAsking(false);
      return;
    }
    feedback.mutate(
      { verdict, reason: why, isShared },
      {
        onSuccess: () => {
          setIsAsking(false);
          setWasShared(wasShared || isShared);
        },
      },
    );
  }

  return (
    <div className="mt-4 border-t border-line pt-2.5">
      <div role="group" aria-label={t("feedback")} className="flex flex-wrap items-center gap-1">
        <VerdictButton
          icon={<ThumbsUp aria-hidden />}
          label={t("helpful")}
          isGiven={verdict === "up"}
          onClick={() => judge("up")}
        />
        <VerdictButton
          icon={<ThumbsDown aria-hidden />}
          label={t("notHelpful")}
          isGiven={verdict === "down"}
          onClick={() => judge("down")}
        />
        <span role="status" className="ml-1 text-xs text-faint">
          {feedback.isSuccess ? (wasShared && !isAsking ? t("thanksShared") : t("thanks")) : ""}
        </span>
      </div>
      {isAsking && (
        <form
          className="mt-2 max-w-xl space-y-2.5"
          onSubmit={(event) => {
            event.preventDefault();
            tellMore();
          }}
        >
          {verdict === "down" && (
            <Field label={t("why")} help={t("whyHelp")}>
              <TextArea
                value={reason}
                maxLength={1_000}
                onChange={(event) => setReason(event.target.value)}
              />
            </Field>
          )}
          {!wasShared && (
            <Checkbox
              checked={isShared}
              onChange={(event) => setIsShared(event.target.checked)}
              label={t("share")}
              help={t("shareHelp")}
            />
          )}
          <div className="flex gap-2">
            <Button
              type="submit"
              size="small"
              disabled={!isShared && !(verdict === "down" && reason.trim())}
              isBusy={feedback.isPending}
            >
              {t("sendWhy")}
            </Button>
            <Button size="small" look="quiet" onClick={() => setIsAsking(false)}>
              {t("skipWhy")}
            </Button>
          </div>
        </form>
      )}
      <ErrorNote error={feedback.error} className="mt-2" />
    </div>
  );
}

interface VerdictButtonProps {
  icon: React.ReactNode;
  label: string;
  isGiven: boolean;
  onClick: () => void;
}

function VerdictButton({ icon, label, isGiven, onClick }: VerdictButtonProps) {
  return (
    <Button
      look="quiet"
      size="small"
      aria-pressed={isGiven}
      onClick={onClick}
      className={cn(isGiven && "bg-pine-tint text-pine-deep")}
    >
      {icon}
      {label}
    </Button>
  );
}
