import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { OrgPage } from "@/org/org-page";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("org"))("title") };
}

export default function Page() {
  return <OrgPage />;
}
