import type { Metadata, Viewport } from "next";
import { NextIntlClientProvider } from "next-intl";
import { getLocale, getTranslations } from "next-intl/server";
import { headers } from "next/headers";
import type { ReactNode } from "react";
import { Providers } from "@/session/providers";
import { Telemetry } from "@/telemetry/telemetry";
import "./globals.css";

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations("common");
  return {
    title: { default: "HRX-AI", template: "%s | HRX-AI" },
    description: t("productTagline"),
    // Pages hold personal data and stand behind a sign-in.
    robots: { index: false, follow: false },
  };
}

export const viewport: Viewport = {
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#f7f5ef" },
    { media: "(prefers-color-scheme: dark)", color: "#101614" },
  ],
};

export default async function RootLayout({ children }: { children: ReactNode }) {
  const locale = await getLocale();
  const nonce = (await headers()).get("x-nonce") ?? "";
  return (
    <html lang={locale}>
      <body>
        <NextIntlClientProvider>
          <Providers nonce={nonce} locale={locale}>
            {children}
            <Telemetry />
          </Providers>
        </NextIntlClientProvider>
      </body>
    </html>
  );
}
