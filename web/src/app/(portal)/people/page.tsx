import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { DirectoryPage } from "@/people/directory-page";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("people"))("title") };
}

export default function Page() {
  return <DirectoryPage />;
}
