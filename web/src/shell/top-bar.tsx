"use client";

import { LogOut, UserRoundCog } from "lucide-react";
import { useTranslations } from "next-intl";
import { useSession, useSignOut } from "@/api/session";
import { LanguageSwitch } from "@/i18n/language-switch";
import { LiveDot } from "@/live/live-dot";
import { AsOfControl } from "@/time/as-of-control";
import { Avatar } from "@/ui/avatar";
import { Menu, MenuItem, MenuLabel, MenuSeparator } from "@/ui/menu";
import { AppLink } from "./link";
import { RingMark } from "./logo";

/** The date first, because everything below depends on it; then who and in which language. */
export function TopBar() {
  const t = useTranslations("nav");
  return (
    <header
      data-shell="chrome"
      className="sticky top-0 z-30 flex h-14 items-center gap-2 border-b border-line bg-paper/95 px-3 backdrop-blur sm:px-6"
    >
      <AppLink
        href="/"

        className="rounded-md text-pine lg:hidden"
      >
        <RingMark />
        <span className="sr-only">{t("homeOf", { product: "HRX-AI" })}</span>
      </AppLink>
      <AsOfControl />
      <div className="ml-auto flex items-center gap-2 sm:gap-3">
        <LiveDot />
        <LanguageSwitch className="hidden sm:inline-flex" />
        <UserMenu />
      </div>
    </header>
  );
}

function UserMenu() {
  const t = useTranslations("nav");
  const { user, roles, person_id } = useSession();
  const role = useTranslations("roles");
  const signOut = useSignOut();
  return (
    <Menu
      trigger={
        <button
          type="button"
          aria-label={t("accountMenu", { name: user.display_name })}
          className="rounded-full ring-offset-2 ring-offset-paper hover:ring-2 hover:ring-pine-line"
        >
          <Avatar id={person_id ?? user.id} name={user.display_name} />
        </button>
      }
    >
      <MenuLabel>
        <span className="block text-sm font-medium text-ink">{user.display_name}</span>
        <span className="block">{user.email}</span>
        <span className="mt-1 block">{roles.map((name) => role(name)).join(" · ")}</span>
      </MenuLabel>
      <MenuSeparator />
      {person_id !== null && (
        <MenuItem asChild>
          <AppLink href={`/people/${person_id}`}>{t("myPage")}</AppLink>
        </MenuItem>
      )}
      <MenuItem asChild>
        <AppLink href="/account" leavesDate>
          <UserRoundCog aria-hidden />
          {t("account")}
        </AppLink>
      </MenuItem>
      <MenuItem onSelect={() => signOut.mutate()}>
        <LogOut aria-hidden />
        {t("signOut")}
      </MenuItem>
    </Menu>
  );
}
