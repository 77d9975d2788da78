"use client";

import { useTranslations } from "next-intl";
import { usePathname } from "next/navigation";
import { useSession } from "@/api/session";
import { cn } from "@/ui/cn";
import { AppLink } from "./link";
import { Wordmark } from "./logo";
import { destinationsFor, isAt, type Destination } from "./navigation";

/** The main navigation beside the page; phones have TabBar instead. */
export function Sidebar() {
  const t = useTranslations("nav");
  const session = useSession();
  const { everyday, administration } = destinationsFor(session);
  return (
    <aside
      data-shell="chrome"
      className="sticky top-0 hidden h-dvh w-60 shrink-0 flex-col overflow-hidden bg-night text-night-text lg:flex"
    >
      <Rings />
      <div className="relative px-5 pt-5 pb-4">
        <AppLink
          href="/"

          className="inline-block rounded-md text-white"
        >
          <Wordmark />
          <span className="sr-only">{t("homeOf", { product: "HRX-AI" })}</span>
        </AppLink>
        <p className="mt-4 text-sm font-medium text-white">{session.tenant.name}</p>
      </div>
      <nav aria-label={t("main")} className="relative flex-1 space-y-6 overflow-y-auto px-3 pb-6">
        <LinkList destinations={everyday} />
        {administration.length > 0 && (
          <div>
            <h2 className="px-3 pb-1.5 text-xs text-night-text">{t("administration")}</h2>
            <LinkList destinations={administration} />
          </div>
        )}
      </nav>
    </aside>
  );
}

function LinkList({ destinations }: { destinations: readonly Destination[] }) {
  const t = useTranslations("nav");
  const pathname = usePathname();
  return (
    <ul className="space-y-0.5">
      {destinations.map(({ href, label, icon: Icon, leavesDate }) => {
        const isCurrent = isAt(pathname, href);
        return (
          <li key={href}>
            <AppLink
              href={href}
              {...(leavesDate && { leavesDate })}
              aria-current={isCurrent ? "page" : undefined}
              className={cn(
                "flex items-center gap-3 rounded-lg px-3 py-2 text-sm transition-colors focus-visible:outline-white",
                isCurrent
                  ? "bg-night-raised font-medium text-white"
                  : "hover:bg-night-raised/60 hover:text-white",
              )}
            >
              <Icon
                aria-hidden
                className={cn("size-[1.125rem]", isCurrent ? "text-[#8fd0bd]" : "opacity-80")}
              />
              {t(label)}
            </AppLink>
          </li>
        );
      })}
    </ul>
  );
}

/** The identity's rings, faint, growing out of the lower corner. */
function Rings() {
  return (
    <svg
      aria-hidden
      viewBox="0 0 240 240"
      className="pointer-events-none absolute -bottom-16 -left-14 w-72 fill-none stroke-white/[0.055]"
    >
      {[22, 38, 52, 70, 84, 104, 118].map((radius, ring) => (
        <ellipse
          key={radius}
          cx={104 + ring * 1.5}
          cy={132 - ring}
          rx={radius}
          ry={radius * 0.97}
          strokeWidth={ring % 2 ? 5 : 3}
        />
      ))}
    </svg>
  );
}
