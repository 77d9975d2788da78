"use client";

import { ArrowDown, ArrowUp, Download, Quote } from "lucide-react";
import { useTranslations } from "next-intl";
import { useSearchParams } from "next/navigation";
import { useState } from "react";
import { fileAddress, isOnTheWay, useDocument, useDocumentText } from "@/api/documents";
import type { DocumentDetail, DocumentVersion } from "@/api/types";
import { Button } from "@/ui/button";
import { PageHead } from "@/ui/page";
import { EmptyState, ErrorState, SkeletonRows } from "@/ui/states";
import { BackLink } from "./document-page";
import { InForceNotice } from "./in-force-notice";
import { readRange, type Range } from "./text";
import { TextBlocks } from "./text-blocks";

/** How much is asked for at once, in characters: some twenty printed pages. */
const PART = 16_000;
/** How much is shown before the cited words, so that they do not stand alone. */
const BEFORE = 4_000;

interface ReadingPageProps {
  id: number;
  versionId: number;
}

/** The text of one version, open at the passage that the address names. */
export function ReadingPage({ id, versionId }: ReadingPageProps) {
  const t = useTranslations("documents");
  const document = useDocument(id);
  const cited = readRange(useSearchParams().get("at"));
  const version = document.data?.versions.find((one) => one.id === versionId);
  return (
    <>
      <BackLink href={`/documents/${id}`}>{t("backToDocument")}</BackLink>
      {document.isPending ? (
        <div className="card">
          <SkeletonRows />
        </div>
      ) : document.isError ? (
        <div className="card">
          <ErrorState error={document.error} onRetry={() => void document.refetch()} />
        </div>
      ) : version ? (
        <Reading
          key={`${versionId} ${cited?.start}`}
          document={document.data}
          version={version}
          cited={cited}
        />
      ) : (
        <NoSuchVersion />
      )}
    </>
  );
}

function NoSuchVersion() {
  const errors = useTranslations("errors");
  return (
    <div className="card">
      <EmptyState title={errors("notFoundTitle")}>{errors("notFoundHelp")}</EmptyState>
    </div>
  );
}

interface ReadingProps {
  document: DocumentDetail;
  version: DocumentVersion;
  cited: Range | null;
}

function Reading({ document, version, cited }: ReadingProps) {
  const t = useTranslations("documents");
  const isReadable = version.state === "ready" || version.state === "replaced";
  return (
    <>
      <PageHead
        title={<span className="break-words">{document.title}</span>}
        lead={`${t("version", { number: version.number })} · ${version.file_name}`}
        actions={
          <>
            {cited && isReadable && (
              <Button asChild>
                <a href="#cited">
                  <Quote aria-hidden />
                  {t("toCited")}
                </a>
              </Button>
            )}
            <Button asChild>
              <a
                href={fileAddress(document.id, version.id)}
                download
                aria-label={t("downloadOf", { name: version.file_name })}
              >
                <Download aria-hidden />
                {t("download")}
              </a>
            </Button>
          </>
        }
      />
      <InForceNotice document={document} version={version} />
      {isReadable ? (
        <Text document={document} version={version} cited={cited} />
      ) : (
        <div className="card">
          <EmptyState title={isOnTheWay(version) ? t("notReady") : t("notReadable")}>
            {version.problem?.message}
          </EmptyState>
        </div>
      )}
    </>
  );
}

function Text({ document, version, cited }: ReadingProps) {
  const t = useTranslations("documents");
  const [isMoved, setIsMoved] = useState(false);
  const [part, setPart] = useState<Range>(() => {
    const start = Math.max(0, (cited?.start ?? 0) - BEFORE);
    return { start, end: Math.max(start + PART, (cited?.end ?? 0) + BEFORE) };
  });
  const text = useDocumentText(document.id, version.id, part);
  if (text.isPending)
    return (
      <div className="card">
        <SkeletonRows />
      </div>
    );
  if (text.isError)
    return (
      <div className="card">
        <ErrorState error={text.error} onRetry={() => void text.refetch()} />
      </div>
    );
  const { start, end, total } = text.data;
  return (
    <article
      aria-label={t("textOf", { title: document.title })}
      className="card px-5 py-6 sm:px-10 sm:py-8"
      {...(version.language && { lang: version.language })}
      aria-busy={text.isPlaceholderData || undefined}
    >
      <div className="mx-auto max-w-3xl">
        {start > 0 && (
          <MoreText
            icon={<ArrowUp aria-hidden />}
            label={t("earlier")}
            isBusy={text.isPlaceholderData}
            onClick={() => {
              setIsMoved(true);
              setPart({ start: Math.max(0, start - PART), end: part.end });
            }}
          />
        )}
        <TextBlocks text={text.data} cited={cited} scrolls={isMoved ? null : "center"} />
        {end < total && (
          <MoreText
            icon={<ArrowDown aria-hidden />}
            label={t("later")}
            isBusy={text.isPlaceholderData}
            onClick={() => {
              setIsMoved(true);
              setPart({ start: part.start, end: end + PART });
            }}
          />
        )}
      </div>
    </article>
  );
}

interface MoreTextProps {
  icon: React.ReactNode;
  label: string;
  isBusy: boolean;
  onClick: () => void;
}

function MoreText({ icon, label, isBusy, onClick }: MoreTextProps) {
  return (
    <p className="my-3 text-center">
      <Button size="small" onClick={onClick} isBusy={isBusy}>
        {!isBusy && icon}
        {label}
      </Button>
    </p>
  );
}
