import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { HomePage } from "@/home/home-page";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("home"))("title") };
}

export default function Page() {
  return <HomePage />;
}
