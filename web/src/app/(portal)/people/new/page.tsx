import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { HirePage } from "@/actions/hire-page";
import { Only } from "@/shell/only";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("actions"))("hire.title") };
}

export default function Page() {
  return (
    <Only may="hire">
      <HirePage />
    </Only>
  );
}
