"use client";

import { useLocale, useTranslations } from "next-intl";
import type { Assignment, PersonDetail } from "@/api/types";
import { AppLink } from "@/shell/link";
import { shortDay } from "@/time/format";
import { useAsOf } from "@/time/use-as-of";
import { Badge } from "@/ui/badge";
import { Section } from "@/ui/page";

/** The posts held on the date shown: the primary one first, then 兼務. */
export function CurrentPosts({ person }: { person: PersonDetail }) {
  const t = useTranslations("person");
  const { tense } = useAsOf();
  const posts = [...person.assignments].sort(
    (a, b) => Number(a.kind !== "primary") - Number(b.kind !== "primary"),
  );
  return (
    <Section title={t(tense === "today" ? "posts" : "postsThen")}>
      {posts.length === 0 ? (
        <p className="text-sm text-soft">{t("noPosts")}</p>
      ) : (
        <ul className="divide-y divide-line">
          {posts.map((post) => (
            <Post
              key={post.id}
              post={post}
              path={post.kind === "primary" ? (person.org_unit?.path.slice(0, -1) ?? []) : []}
            />
          ))}
        </ul>
      )}
    </Section>
  );
}

function Post({ post, path }: { post: Assignment; path: readonly string[] }) {
  const t = useTranslations("person");
  const locale = useLocale();
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-2 py-4 first:pt-0 last:pb-0">
      <Badge tone={post.kind === "primary" ? "today" : "outline"} className="mt-0.5">
        {t(`kind.${post.kind}`)}
      </Badge>
      <div className="min-w-48 flex-1">
        {path.length > 0 && <p className="text-xs text-faint">{path.join(" › ")}</p>}
        <p className="text-base font-medium">
          <AppLink href={`/org?unit=${post.org_unit.id}`} className="hover:underline">
            {post.org_unit.name}
          </AppLink>
          {post.position && <span className="ml-2 font-normal text-soft">{post.position.title}</span>}
        </p>
        <dl className="mt-1 flex flex-wrap gap-x-5 gap-y-0.5 text-[0.8125rem]">
          {post.manager && (
            <Term label={t("manager")}>
              <AppLink href={`/people/${post.manager.id}`} className="text-pine hover:underline">
                {post.manager.name}
              </AppLink>
            </Term>
          )}
          {post.grade && <Term label={t("grade")}>{post.grade}</Term>}
          {post.fte !== null && post.fte !== undefined && (
            <Term label={t("fte")}>{t("ftePercent", { share: Number(post.fte) })}</Term>
          )}
          <Term label={t("since")}>
            <span className="tabular">{shortDay(post.valid_from, locale)}</span>
          </Term>
        </dl>
      </div>
    </li>
  );
}

function Term({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <div className="flex gap-1.5">
      <dt className="text-faint">{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
