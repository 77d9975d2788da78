"use client";

import { Monitor, Smartphone } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useEndOtherSessions, useEndSession, useOpenSessions } from "@/api/account";
import { useSession } from "@/api/session";
import type { OpenSession } from "@/api/types";
import { moment } from "@/time/format";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Section } from "@/ui/page";
import { ErrorNote, ErrorState, SkeletonRows } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { deviceOf, isPhone } from "./device";

/** Where this account is signed in, with a way to end each of them. */
export function SessionsSection() {
  const t = useTranslations("account");
  const announce = useToast();
  const sessions = useOpenSessions();
  const endOthers = useEndOtherSessions();
  const others = sessions.data?.filter((session) => !session.is_current).length ?? 0;
  return (
    <Section
      title={t("sessions")}
      aside={
        others > 0 && (
          <Button
            size="small"
            isBusy={endOthers.isPending}
            onClick={() => endOthers.mutate(undefined, { onSuccess: () => announce(t("othersEnded")) })}
          >
            {t("endOthers")}
          </Button>
        )
      }
      bodyClassName="p-0 py-0 sm:px-0"
    >
      <ErrorNote error={endOthers.error} className="m-4" />
      {sessions.isPending ? (
        <SkeletonRows rows={2} />
      ) : sessions.isError ? (
        <ErrorState error={sessions.error} onRetry={() => void sessions.refetch()} />
      ) : (
        <ul className="divide-y divide-line">
          {sessions.data.map((session) => (
            <SessionLine key={session.id} session={session} />
          ))}
        </ul>
      )}
    </Section>
  );
}

function SessionLine({ session }: { session: OpenSession }) {
  const t = useTranslations("account");
  const locale = useLocale();
  const { tenant } = useSession();
  const end = useEndSession();
  const Icon = isPhone(session.user_agent) ? Smartphone : Monitor;
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3 sm:px-5">
      <Icon aria-hidden className="size-5 shrink-0 text-faint" />
      <div className="min-w-40 flex-1">
        <p className="flex flex-wrap items-center gap-2 text-sm">
          {deviceOf(session.user_agent) ?? t("unknownDevice")}
          {session.is_current && <Badge tone="today">{t("thisSession")}</Badge>}
        </p>
        <p className="text-xs text-faint">
          {[session.address, t("lastSeen", { at: moment(session.last_seen_at, locale, tenant.time_zone) })]
            .filter(Boolean)
            .join(" · ")}
        </p>
      </div>
      {!session.is_current && (
        <Button size="small" isBusy={end.isPending} onClick={() => end.mutate(session.id)}>
          {t("endSession")}
        </Button>
      )}
      <ErrorNote error={end.error} className="basis-full" />
    </li>
  );
}
