"use client";

import Link from "next/link";
import { useSearchParams } from "next/navigation";
import type { ComponentProps } from "react";
import { carryAsOf, NOW, readAsOf } from "@/time/as-of";

interface AppLinkProps extends Omit<ComponentProps<typeof Link>, "href"> {
  href: string;
  /** For pages about now only (audit, users, account): the date is left behind. */
  leavesDate?: boolean;
}

/** A link inside the portal that keeps the date that the reader looks at. */
export function AppLink({ href, leavesDate, ...rest }: AppLinkProps) {
  const asOf = readAsOf(useSearchParams());
  // Pages hold no data of their own, so loading them ahead on hover would only cost requests.
  return <Link href={carryAsOf(href, leavesDate ? NOW : asOf)} prefetch={false} {...rest} />;
}
