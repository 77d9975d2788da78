import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { AuditPage } from "@/audit/audit-page";
import { Only } from "@/shell/only";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("audit"))("title") };
}

export default function Page() {
  return (
    <Only may="audit">
      <AuditPage />
    </Only>
  );
}
