"use client";

import { Ellipsis, KeyRound, UserPlus } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useState } from "react";
import { useResetTotp, useSetActive, useUsers } from "@/api/administration";
import { useSession } from "@/api/session";
import type { UserRow } from "@/api/types";
import { SearchBox } from "@/people/search-box";
import { AppLink } from "@/shell/link";
import { moment } from "@/time/format";
import { Avatar } from "@/ui/avatar";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { cn } from "@/ui/cn";
import { Menu, MenuItem, MenuSeparator } from "@/ui/menu";
import { PageHead } from "@/ui/page";
import { EmptyState, ErrorNote, ErrorState, SkeletonRows } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { CreateUserDialog } from "./create-user-dialog";
import { RolesDialog } from "./roles-dialog";

export function UsersPage() {
  const t = useTranslations("users");
  const common = useTranslations("common");
  const [q, setQ] = useState("");
  const [isCreating, setIsCreating] = useState(false);
  const [editing, setEditing] = useState<UserRow | null>(null);
  const users = useUsers(q);
  const items = users.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <PageHead
        title={t("title")}
        lead={t("lead")}
        actions={
          <Button look="primary" onClick={() => setIsCreating(true)}>
            <UserPlus aria-hidden />
            {t("create")}
          </Button>
        }
      />
      <div className="mb-4 max-w-md">
        <SearchBox value={q} onSearch={setQ} label={t("search")} />
      </div>
      <div className="card overflow-hidden">
        {users.isPending ? (
          <SkeletonRows />
        ) : users.isError ? (
          <ErrorState error={users.error} onRetry={() => void users.refetch()} />
        ) : items.length === 0 ? (
          <EmptyState title={t("empty")} />
        ) : (
          <ul className="divide-y divide-line">
            {items.map((user) => (
              <UserLine key={user.id} user={user} onEditRoles={() => setEditing(user)} />
            ))}
          </ul>
        )}
      </div>
      {users.hasNextPage && (
        <div className="mt-4 text-center">
          <Button onClick={() => void users.fetchNextPage()} isBusy={users.isFetchingNextPage}>
            {common("loadMore")}
          </Button>
        </div>
      )}
      {isCreating && <CreateUserDialog onClose={() => setIsCreating(false)} />}
      {editing && <RolesDialog user={editing} onClose={() => setEditing(null)} />}
    </>
  );
}

function UserLine({ user, onEditRoles }: { user: UserRow; onEditRoles: () => void }) {
  const t = useTranslations("users");
  const locale = useLocale();
  const { tenant } = useSession();
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 py-3 sm:gap-x-4 sm:px-5">
      <Avatar id={user.person_id ?? user.id} name={user.display_name} />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-x-2 text-sm font-medium">
          {user.person_id === null ? (
            user.display_name
          ) : (
            <AppLink href={`/people/${user.person_id}`} className="hover:underline">
              {user.display_name}
            </AppLink>
          )}
          {!user.is_active && <Badge tone="danger">{t("disabled")}</Badge>}
        </p>
        <p className="text-xs break-all text-faint">{user.email}</p>
        <Roles user={user} className="mt-1.5 sm:hidden" />
      </div>
      <Roles user={user} className="max-sm:hidden" />
      <p className="w-44 text-xs text-faint max-lg:hidden">
        {user.totp_enabled && (
          <span className="mr-2 inline-flex items-center gap-1 text-pine">
            <KeyRound aria-hidden className="size-3" />
            {t("totp")}
          </span>
        )}
        <span className="block">
          {user.last_signed_in_at
            ? t("lastSignIn", { at: moment(user.last_signed_in_at, locale, tenant.time_zone) })
            : t("never")}
        </span>
      </p>
      <UserMenu user={user} onEditRoles={onEditRoles} />
    </li>
  );
}

function Roles({ user, className }: { user: UserRow; className: string }) {
  const role = useTranslations("roles");
  return (
    <ul className={cn("flex flex-wrap gap-1", className)}>
      {user.roles.map((name) => (
        <li key={name}>
          <Badge tone={name === "employee" ? "neutral" : "today"}>{role(name)}</Badge>
        </li>
      ))}
    </ul>
  );
}

function UserMenu({ user, onEditRoles }: { user: UserRow; onEditRoles: () => void }) {
  const t = useTranslations("users");
  const session = useSession();
  const announce = useToast();
  const setActive = useSetActive();
  const resetTotp = useResetTotp();
  const isSelf = session.user.id === user.id;
  const error = setActive.error ?? resetTotp.error;
  return (
    <>
      <Menu
        trigger={
          <button
            type="button"
            aria-label={t("menuFor", { name: user.display_name })}
            className="grid size-9 place-items-center rounded-lg text-soft hover:bg-sunken"
          >
            <Ellipsis aria-hidden className="size-4" />
          </button>
        }
      >
        <MenuItem onSelect={onEditRoles}>{t("editRoles")}</MenuItem>
        {user.totp_enabled && (
          <MenuItem onSelect={() => resetTotp.mutate(user.id, { onSuccess: () => announce(t("totpReset")) })}>
            {t("resetTotp")}
          </MenuItem>
        )}
        {!isSelf && <MenuSeparator />}
        {!isSelf && (
          <MenuItem
            onSelect={() =>
              setActive.mutate(
                { id: user.id, isActive: !user.is_active },
                {
                  onSuccess: () =>
                    announce(t(user.is_active ? "disableDone" : "enableDone", { name: user.display_name })),
                },
              )
            }
          >
            {t(user.is_active ? "disable" : "enable")}
          </MenuItem>
        )}
      </Menu>
      {error ? <ErrorNote error={error} className="basis-full" /> : null}
    </>
  );
}
