import { notFound } from "next/navigation";
import { ImportPage } from "@/imports/import-page";
import { Only } from "@/shell/only";

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  if (!/^[1-9]\d{0,15}$/.test(id)) notFound();
  return (
    <Only may="import">
      <ImportPage id={Number(id)} />
    </Only>
  );
}
