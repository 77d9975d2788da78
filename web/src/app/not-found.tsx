import { getTranslations } from "next-intl/server";
import { AppLink } from "@/shell/link";
import { Wordmark } from "@/shell/logo";
import { Button } from "@/ui/button";
import { Suspense } from "react";

export default async function NotFound() {
  const t = await getTranslations("errors");
  return (
    <main className="grid min-h-dvh place-items-center px-6 text-center">
      <div className="flex flex-col items-center">
        <Wordmark className="text-pine" />
        <p className="mt-10 font-serif text-6xl font-semibold text-edge">404</p>
        <h1 className="mt-2 font-serif text-xl font-semibold">{t("notFoundTitle")}</h1>
        <p className="mt-1 max-w-md text-sm text-soft">{t("notFoundHelp")}</p>
        <Suspense>
          <Button asChild look="primary" className="mt-6">
            <AppLink href="/">{t("backHome")}</AppLink>
          </Button>
        </Suspense>
      </div>
    </main>
  );
}
