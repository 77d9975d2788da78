import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { MatchingPage } from "@/matching/matching-page";
import { Only } from "@/shell/only";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("matching"))("title") };
}

export default function Page() {
  return (
    <Only may="match">
      <MatchingPage />
    </Only>
  );
}
