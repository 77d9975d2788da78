import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { HirePage } from "@/actions/hire-page";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("actions"))("hire.title") };
}

export default function Page() {
  return <HirePage />;
}
