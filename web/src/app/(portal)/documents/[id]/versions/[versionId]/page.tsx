import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { notFound } from "next/navigation";
import { ReadingPage } from "@/documents/reading-page";
import { idOf } from "@/shell/address";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("documents"))("textTitle") };
}

interface PageProps {
  params: Promise<{ id: string; versionId: string }>;
}

export default async function Page({ params }: PageProps) {
  const asked = await params;
  const [id, versionId] = [idOf(asked.id), idOf(asked.versionId)];
  if (id === null || versionId === null) notFound();
  return <ReadingPage id={id} versionId={versionId} />;
}
