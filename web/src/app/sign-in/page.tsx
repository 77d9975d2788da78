import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { cookies } from "next/headers";
import { Suspense } from "react";
import { SESSION_COOKIE } from "@/session/cookie";
import { SignInPage } from "@/signin/sign-in-page";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("auth"))("title") };
}

export default async function Page() {
  const hasSession = (await cookies()).has(SESSION_COOKIE);
  return (
    <Suspense>
      <SignInPage hasSession={hasSession} />
    </Suspense>
  );
}
