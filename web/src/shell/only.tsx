"use client";

import { ShieldX } from "lucide-react";
import { useTranslations } from "next-intl";
import type { ReactNode } from "react";
import { useSession } from "@/api/session";
import type { Session } from "@/api/types";
import { Button } from "@/ui/button";
import { AppLink } from "./link";

/** A page for those who may; everybody else is told so, and nothing is asked of the server that it would refuse. */
export function Only({ may, children }: { may: keyof Session["may"]; children: ReactNode }) {
  const t = useTranslations("errors");
  if (useSession().may[may]) return children;
  return (
    <div className="card flex flex-col items-center px-6 py-16 text-center">
      <span className="grid size-12 place-items-center rounded-full bg-sunken text-soft">
        <ShieldX aria-hidden className="size-6" />
      </span>
      <h1 className="mt-4 font-serif text-lg font-semibold">{t("forbiddenTitle")}</h1>
      <p className="mt-1 max-w-md text-sm text-soft">{t("forbiddenHelp")}</p>
      <Button asChild look="primary" className="mt-5">
        <AppLink href="/">{t("backHome")}</AppLink>
      </Button>
    </div>
  );
}
