"use client";

import { ThumbsDown, ThumbsUp } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { useFeedback } from "@/api/assistant";
import type { Verdict } from "@/api/types";
import { Button } from "@/ui/button";
import { cn } from "@/ui/cn";
import { Field, TextArea } from "@/ui/field";
import { ErrorNote } from "@/ui/states";

interface FeedbackBarProps {
  answerId: number;
  given: Verdict | null;
}

/** Whether an answer helped; a "no" may come with a reason, and is kept without one all the same. */
export function FeedbackBar({ answerId, given }: FeedbackBarProps) {
  const t = useTranslations("assistant");
  const feedback = useFeedback(answerId);
  const [verdict, setVerdict] = useState(given);
  const [isAsking, setIsAsking] = useState(false);
  const [reason, setReason] = useState("");

  function judge(next: Verdict, why = "") {
    setVerdict(next);
    setIsAsking(next === "down" && !why);
    feedback.mutate({ verdict: next, reason: why }, { onError: () => setVerdict(given) });
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
          {feedback.isSuccess && !isAsking ? t("thanks") : ""}
        </span>
      </div>
      {isAsking && (
        <form
          className="mt-2 max-w-xl"
          onSubmit={(event) => {
            event.preventDefault();
            if (reason.trim()) judge("down", reason.trim());
            else setIsAsking(false);
          }}
        >
          <Field label={t("why")} help={t("whyHelp")}>
            <TextArea value={reason} maxLength={1_000} onChange={(event) => setReason(event.target.value)} />
          </Field>
          <Button type="submit" size="small" className="mt-2">
            {t("sendWhy")}
          </Button>
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
