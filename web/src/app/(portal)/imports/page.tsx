import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { ImportsPage } from "@/imports/imports-page";
import { Only } from "@/shell/only";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("imports"))("title") };
}

export default function Page() {
  return (
    <Only may="import">
      <ImportsPage />
    </Only>
  );
}
