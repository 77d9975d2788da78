import {
  Building2,
  CalendarClock,
  ClipboardCheck,
  FileUp,
  FolderOpen,
  House,
  MessageCircleQuestion,
  ScanSearch,
  ScrollText,
  ShieldCheck,
  UserRoundCog,
  UsersRound,
  type LucideIcon,
} from "lucide-react";
import type { Session } from "@/api/types";

export interface Destination {
  readonly href: string;
  readonly label:
    | "home"
    | "assistant"
    | "people"
    | "org"
    | "orders"
    | "documents"
    | "matching"
    | "evaluation"
    | "imports"
    | "users"
    | "audit"
    | "account";
  readonly icon: LucideIcon;
  /** Pages about now only; the chosen date means nothing to them. */
  readonly leavesDate?: boolean;
}

const EVERYONE: readonly Destination[] = [
  { href: "/", label: "home", icon: House },
  { href: "/assistant", label: "assistant", icon: MessageCircleQuestion },
  { href: "/people", label: "people", icon: UsersRound },
  { href: "/org", label: "org", icon: Building2 },
  { href: "/changes", label: "orders", icon: CalendarClock },
  { href: "/documents", label: "documents", icon: FolderOpen, leavesDate: true },
];

export interface Destinations {
  readonly everyday: readonly Destination[];
  readonly administration: readonly Destination[];
  readonly account: Destination;
}

/** Where this person may go; the API refuses the rest anyway, so this only spares them dead ends. */
export function destinationsFor(session: Session): Destinations {
  const everyday: Destination[] = [...EVERYONE];
  if (session.may.match)
    everyday.push({ href: "/matching", label: "matching", icon: ScanSearch, leavesDate: true });
  const administration: Destination[] = [];
  if (session.may.import)
    administration.push({ href: "/imports", label: "imports", icon: FileUp, leavesDate: true });
  if (session.may.evaluate)
    administration.push({ href: "/evaluation", label: "evaluation", icon: ClipboardCheck, leavesDate: true });
  if (session.may.manage_users)
    administration.push({ href: "/users", label: "users", icon: ShieldCheck, leavesDate: true });
  if (session.may.audit)
    administration.push({ href: "/audit", label: "audit", icon: ScrollText, leavesDate: true });
  return {
    everyday,
    administration,
    account: { href: "/account", label: "account", icon: UserRoundCog, leavesDate: true },
  };
}

/** True when `pathname` is the destination or a page under it. */
export function isAt(pathname: string, href: string): boolean {
  return href === "/" ? pathname === "/" : pathname === href || pathname.startsWith(`${href}/`);
}
