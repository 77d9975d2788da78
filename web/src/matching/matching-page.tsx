"use client";

import { useLocale, useTranslations } from "next-intl";
import { useSession } from "@/api/session";
import { useRoleProfiles } from "@/api/matching";
import type { RoleProfile } from "@/api/types";
import { AppLink } from "@/shell/link";
import { moment } from "@/time/format";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { PageHead, Section } from "@/ui/page";
import { EmptyState, ErrorState, SkeletonRows } from "@/ui/states";
import { RoleForm } from "./role-form";

/** Describe a role, or go back to one that was described before. */
export function MatchingPage() {
  const t = useTranslations("matching");
  // Who only reads over others' shoulders describes nothing.
  const mayDescribe = useSession().roles.some((role) => role !== "auditor" && role !== "employee");
  return (
    <>
      <PageHead title={t("title")} lead={t("lead")} />
      <div className="space-y-5">
        {mayDescribe && <RoleForm />}
        <RoleList />
      </div>
    </>
  );
}

function RoleList() {
  const t = useTranslations("matching");
  const common = useTranslations("common");
  const roles = useRoleProfiles();
  const items = roles.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Section title={t("former")} bodyClassName="p-0 py-0 sm:px-0">
      {roles.isPending ? (
        <SkeletonRows rows={3} />
      ) : roles.isError ? (
        <ErrorState error={roles.error} onRetry={() => void roles.refetch()} />
      ) : items.length === 0 ? (
        <EmptyState title={t("noRoles")}>{t("noRolesHelp")}</EmptyState>
      ) : (
        <ul className="divide-y divide-line">
          {items.map((role) => (
            <li key={role.id}>
              <RoleRow role={role} />
            </li>
          ))}
        </ul>
      )}
      {roles.hasNextPage && (
        <div className="border-t border-line p-3 text-center">
          <Button size="small" onClick={() => void roles.fetchNextPage()} isBusy={roles.isFetchingNextPage}>
            {common("loadMore")}
          </Button>
        </div>
      )}
    </Section>
  );
}

function RoleRow({ role }: { role: RoleProfile }) {
  const locale = useLocale();
  const { tenant } = useSession();
  return (
    <AppLink href={`/matching/${role.id}`} leavesDate className="block px-4 py-3 hover:bg-sunken sm:px-5">
      <span className="block text-sm font-medium break-words">{role.title}</span>
      {role.description && (
        <span className="mt-0.5 line-clamp-2 block text-xs break-words text-soft">{role.description}</span>
      )}
      <span className="mt-1 flex flex-wrap items-center gap-1.5 text-xs text-faint">
        {role.skills.map((one) => (
          <Badge key={one.skill} tone="outline">
            {one.name}
          </Badge>
        ))}
        <span>
          {[role.created_by_name, moment(role.created_at, locale, tenant.time_zone)]
            .filter(Boolean)
            .join("・")}
        </span>
      </span>
    </AppLink>
  );
}
