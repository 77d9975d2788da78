import { cookies, headers } from "next/headers";
import { redirect } from "next/navigation";
import type { ReactNode } from "react";
import { SESSION_COOKIE } from "@/session/cookie";
import { Portal } from "@/shell/portal";

/** Without a session cookie no page has anything to show; whether a cookie is any good, only the API knows. */
export default async function PortalLayout({ children }: { children: ReactNode }) {
  if (!(await cookies()).has(SESSION_COOKIE)) {
    const wanted = (await headers()).get("x-wanted") ?? "/";
    redirect(wanted === "/" ? "/sign-in" : `/sign-in?return_to=${encodeURIComponent(wanted)}`);
  }
  return <Portal>{children}</Portal>;
}
