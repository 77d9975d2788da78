"use client";

import { Check, Copy, RotateCw, WifiOff, TriangleAlert } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState, type ReactNode } from "react";
import { ApiProblem } from "@/api/problem";
import { Button } from "./button";
import { cn } from "./cn";

/** Grey shapes while data is on its way; hidden from screen readers, which hear the busy region instead. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={cn("animate-pulse rounded-md bg-line/70", className)} />;
}

export function SkeletonRows({ rows = 6 }: { rows?: number }) {
  const t = useTranslations("common");
  return (
    <div role="status" aria-label={t("loading")} className="space-y-3 p-4">
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="flex items-center gap-3">
          <Skeleton className="size-9 rounded-full" />
          <div className="flex-1 space-y-1.5">
            <Skeleton className="h-3.5 w-2/5" />
            <Skeleton className="h-3 w-3/5" />
          </div>
        </div>
      ))}
    </div>
  );
}

export function EmptyState({
  title,
  children,
  action,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="flex flex-col items-center px-6 py-14 text-center">
      <EmptyRings />
      <p className="mt-4 font-serif text-base font-semibold">{title}</p>
      {children && <div className="mt-1 max-w-md text-sm text-soft">{children}</div>}
      {action && <div className="mt-5">{action}</div>}
    </div>
  );
}

function EmptyRings() {
  return (
    <svg
      aria-hidden
      viewBox="0 0 64 64"
      className="size-14 fill-none stroke-line"
      strokeWidth="2.5"
      strokeLinecap="round"
    >
      <circle cx="32" cy="32" r="28" strokeDasharray="120 56" />
      <circle cx="32" cy="32" r="19" strokeDasharray="70 50" />
      <circle cx="32" cy="32" r="10" strokeDasharray="40 23" />
    </svg>
  );
}

/** Title, explanation and next step of a failure, with the id that finds it in the logs. */
export function ErrorState({ error, onRetry }: { error: unknown; onRetry?: (() => void) | undefined }) {
  const t = useTranslations("errors");
  const problem = error instanceof ApiProblem ? error : null;
  const isOffline = problem?.code === "offline";
  // Asking again changes nothing about rights, nor about what is not there.
  const isFinal = problem?.status === 403 || problem?.status === 404;
  const Icon = isOffline ? WifiOff : TriangleAlert;
  return (
    <div role="alert" className="flex flex-col items-center px-6 py-12 text-center">
      <span className="grid size-12 place-items-center rounded-full bg-danger-tint text-danger">
        <Icon aria-hidden className="size-6" />
      </span>
      <p className="mt-4 font-serif text-base font-semibold">
        {isOffline ? t("offlineTitle") : problem?.title || t("unexpectedTitle")}
      </p>
      <div className="mt-1 max-w-md space-y-1 text-sm text-soft">
        <p>{isOffline ? t("offlineHelp") : (problem?.detail ?? (problem ? null : t("unexpectedHelp")))}</p>
        {problem?.hint && <p>{problem.hint}</p>}
      </div>
      {onRetry && !isFinal && (
        <Button className="mt-5" onClick={onRetry}>
          <RotateCw aria-hidden />
          {t("retry")}
        </Button>
      )}
      {problem?.needsSupport && problem.correlationId && (
        <CorrelationId id={problem.correlationId} className="mt-5" />
      )}
    </div>
  );
}

/** The same inside a form: smaller, beside the button that failed. */
export function ErrorNote({ error, className }: { error: unknown; className?: string }) {
  const t = useTranslations("errors");
  if (!error) return null;
  const problem = error instanceof ApiProblem ? error : null;
  const title = problem?.code === "offline" ? t("offlineTitle") : problem?.title || t("unexpectedTitle");
  return (
    <div
      role="alert"
      className={cn("rounded-lg border border-danger-line bg-danger-tint px-4 py-3 text-sm", className)}
    >
      <p className="flex items-start gap-2 font-medium text-danger">
        <TriangleAlert aria-hidden className="mt-1 size-4 shrink-0" />
        {problem?.detail ?? title}
      </p>
      {problem?.hint && <p className="mt-1 pl-6 text-soft">{problem.hint}</p>}
      {problem?.needsSupport && problem.correlationId && (
        <CorrelationId id={problem.correlationId} className="mt-2 pl-6" />
      )}
    </div>
  );
}

export function CorrelationId({ id, className }: { id: string; className?: string }) {
  const t = useTranslations("errors");
  const [isCopied, setIsCopied] = useState(false);
  async function copy() {
    await navigator.clipboard.writeText(id);
    setIsCopied(true);
    setTimeout(() => setIsCopied(false), 2000);
  }
  return (
    <div className={cn("flex flex-wrap items-center gap-x-2 gap-y-1 text-xs text-soft", className)}>
      <span>{t("correlationId")}</span>
      <code className="font-mono break-all">{id}</code>
      <button
        type="button"
        onClick={copy}
        className="inline-flex items-center gap-1 rounded-md border border-line bg-surface px-1.5 py-0.5 text-ink hover:bg-sunken"
      >
        {isCopied ? <Check aria-hidden className="size-3" /> : <Copy aria-hidden className="size-3" />}
        <span aria-live="polite">{isCopied ? t("copied") : t("copy")}</span>
      </button>
    </div>
  );
}
