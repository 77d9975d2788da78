"use client";

import { useTranslations } from "next-intl";
import { useSession } from "@/api/session";
import { LanguageSwitch } from "@/i18n/language-switch";
import { Fact, Facts, PageHead, Section } from "@/ui/page";
import { PasswordSection } from "./password-section";
import { SessionsSection } from "./sessions-section";
import { TotpSection } from "./totp-section";

export function AccountPage() {
  const t = useTranslations("account");
  const role = useTranslations("roles");
  const { user, tenant, roles } = useSession();
  return (
    <>
      <PageHead title={t("title")} lead={t("lead")} />
      <div className="grid items-start gap-5 lg:grid-cols-2">
        <div className="min-w-0 space-y-5">
          <Section title={t("profile")}>
            <Facts>
              <Fact label={t("name")}>{user.display_name}</Fact>
              <Fact label={t("email")}>{user.email}</Fact>
              <Fact label={t("company")}>{tenant.name}</Fact>
              <Fact label={t("roles")}>{roles.map((name) => role(name)).join("、")}</Fact>
            </Facts>
            <div className="mt-5 border-t border-line pt-4">
              <p className="mb-2 text-xs text-faint">{t("language")}</p>
              <LanguageSwitch />
            </div>
          </Section>
          <PasswordSection />
        </div>
        <div className="min-w-0 space-y-5">
          <TotpSection />
          <SessionsSection />
        </div>
      </div>
    </>
  );
}
