import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { EvaluationPage } from "@/evaluation/evaluation-page";
import { Only } from "@/shell/only";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("evaluation"))("title") };
}

export default function Page() {
  return (
    <Only may="evaluate">
      <EvaluationPage />
    </Only>
  );
}
