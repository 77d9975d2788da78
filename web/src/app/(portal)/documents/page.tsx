import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { DocumentsPage } from "@/documents/documents-page";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("documents"))("title") };
}

export default function Page() {
  return <DocumentsPage />;
}
