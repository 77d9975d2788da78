import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { UsersPage } from "@/users/users-page";
import { Only } from "@/shell/only";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("users"))("title") };
}

export default function Page() {
  return (
    <Only may="manage_users">
      <UsersPage />
    </Only>
  );
}
