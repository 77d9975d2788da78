"use client";

import { Ellipsis } from "lucide-react";
import { useTranslations } from "next-intl";
import { usePathname } from "next/navigation";
import { useState } from "react";
import { useSession, useSignOut } from "@/api/session";
import { LanguageSwitch } from "@/i18n/language-switch";
import { Button } from "@/ui/button";
import { cn } from "@/ui/cn";
import { Drawer } from "@/ui/dialog";
import { AppLink } from "./link";
import { destinationsFor, isAt } from "./navigation";

/** More do not fit beside the button to the rest. */
const UNDER_THUMB = 4;
const TAB = "flex min-h-14 flex-col items-center justify-center gap-0.5 text-[0.6875rem]";

/** The main navigation of a phone: four places under the thumb, the rest in a drawer. */
export function TabBar() {
  const t = useTranslations("nav");
  const pathname = usePathname();
  const [isOpen, setIsOpen] = useState(false);
  const { everyday } = destinationsFor(useSession());
  return (
    <nav
      aria-label={t("main")}
      data-shell="chrome"
      className="fixed inset-x-0 bottom-0 z-30 grid grid-cols-5 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] lg:hidden"
    >
      {everyday.slice(0, UNDER_THUMB).map(({ href, label, icon: Icon }) => {
        const isCurrent = isAt(pathname, href);
        return (
          <AppLink
            key={href}
            href={href}
            aria-current={isCurrent ? "page" : undefined}
            className={cn(TAB, isCurrent ? "font-semibold text-pine" : "text-soft")}
          >
            <Icon aria-hidden className="size-5" />
            {t(label)}
          </AppLink>
        );
      })}
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setIsOpen(true)}
        className={cn(TAB, "text-soft")}
      >
        <Ellipsis aria-hidden className="size-5" />
        {t("more")}
      </button>
      <MoreDrawer isOpen={isOpen} onOpenChange={setIsOpen} />
    </nav>
  );
}

function MoreDrawer({ isOpen, onOpenChange }: { isOpen: boolean; onOpenChange: (isOpen: boolean) => void }) {
  const t = useTranslations("nav");
  const session = useSession();
  const signOut = useSignOut();
  const { everyday, administration, account } = destinationsFor(session);
  const others = [...everyday.slice(UNDER_THUMB), ...administration, account];
  return (
    <Drawer isOpen={isOpen} onOpenChange={onOpenChange} title={t("menu")}>
      <div className="border-b border-line px-5 py-4">
        <p className="font-medium">{session.user.display_name}</p>
        <p className="text-xs break-all text-faint">{session.user.email}</p>
        <p className="mt-1 text-xs text-faint">{session.tenant.name}</p>
      </div>
      <ul className="flex-1 px-2 py-3">
        {others.map(({ href, label, icon: Icon, leavesDate }) => (
          <li key={href}>
            <AppLink
              href={href}
              {...(leavesDate && { leavesDate })}
              onClick={() => onOpenChange(false)}
              className="flex min-h-12 items-center gap-3 rounded-lg px-3 text-[0.9375rem] hover:bg-sunken"
            >
              <Icon aria-hidden className="size-5 text-faint" />
              {t(label)}
            </AppLink>
          </li>
        ))}
      </ul>
      <div className="space-y-3 border-t border-line px-5 py-4">
        <LanguageSwitch />
        <Button className="w-full" onClick={() => signOut.mutate()} isBusy={signOut.isPending}>
          {t("signOut")}
        </Button>
      </div>
    </Drawer>
  );
}
