import { notFound } from "next/navigation";
import { ImportPage } from "@/imports/import-page";

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  if (!/^[1-9]\d{0,15}$/.test(id)) notFound();
  return <ImportPage id={Number(id)} />;
}
