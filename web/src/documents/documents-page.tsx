"use client";

import { Upload } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { DOCUMENT_KINDS, useDocuments, VERSION_STATES, type DocumentFilters } from "@/api/documents";
import { useSession } from "@/api/session";
import { SearchBox } from "@/people/search-box";
import { Button } from "@/ui/button";
import { Select } from "@/ui/field";
import { PageHead } from "@/ui/page";
import { EmptyState, ErrorState, SkeletonRows } from "@/ui/states";
import { DocumentRow, RowHead } from "./document-row";
import { documentRights } from "./rights";
import { UploadDialog } from "./upload-dialog";
import { NO_FILTERS, useDocumentFilters } from "./use-document-filters";

export function DocumentsPage() {
  const t = useTranslations("documents");
  const { mayManage, ownPersonId } = documentRights(useSession());
  const { filters, change } = useDocumentFilters();
  const [isUploading, setIsUploading] = useState(false);
  const mayUpload = mayManage || ownPersonId !== null;
  const action = mayUpload && (
    <Button look={mayManage ? "primary" : "secondary"} onClick={() => setIsUploading(true)}>
      <Upload aria-hidden />
      {mayManage ? t("upload") : t("uploadOwn")}
    </Button>
  );
  return (
    <>
      <PageHead title={t("title")} lead={mayManage ? t("lead") : t("leadReader")} actions={action} />
      <Filters filters={filters} onChange={change} withState={mayManage} />
      <DocumentList filters={filters} onClear={() => change(NO_FILTERS)} mayManage={mayManage} />
      {isUploading && <UploadDialog onClose={() => setIsUploading(false)} />}
    </>
  );
}

interface FiltersProps {
  filters: DocumentFilters;
  onChange: (next: Partial<DocumentFilters>) => void;
  /** Readers see what is ready; only those who upload have a use for the other states. */
  withState: boolean;
}

function Filters({ filters, onChange, withState }: FiltersProps) {
  const t = useTranslations("documents");
  return (
    <div className="grid grid-cols-2 gap-2 lg:grid-cols-[minmax(0,1fr)_12rem_12rem]">
      <div className="col-span-2 lg:col-span-1">
        <SearchBox value={filters.q} label={t("search")} onSearch={(q) => onChange({ q })} />
      </div>
      <Select
        aria-label={t("filterKind")}
        value={filters.kind ?? ""}
        onChange={(event) =>
          onChange({ kind: DOCUMENT_KINDS.find((one) => one === event.target.value) ?? null })
        }
      >
        <option value="">{t("anyKind")}</option>
        {DOCUMENT_KINDS.map((kind) => (
          <option key={kind} value={kind}>
            {t(`kind.${kind}`)}
          </option>
        ))}
      </Select>
      {withState && (
        <Select
          aria-label={t("filterState")}
          value={filters.state ?? ""}
          onChange={(event) =>
            onChange({ state: VERSION_STATES.find((one) => one === event.target.value) ?? null })
          }
        >
          <option value="">{t("anyState")}</option>
          {VERSION_STATES.map((state) => (
            <option key={state} value={state}>
              {t(`state.${state}`)}
            </option>
          ))}
        </Select>
      )}
    </div>
  );
}

interface ListProps {
  filters: DocumentFilters;
  onClear: () => void;
  mayManage: boolean;
}

function DocumentList({ filters, onClear, mayManage }: ListProps) {
  const t = useTranslations("documents");
  const common = useTranslations("common");
  const documents = useDocuments(filters);
  const items = documents.data?.pages.flatMap((page) => page.items) ?? [];
  const isFiltered = Boolean(filters.q || filters.kind || filters.state);
  return (
    <div className="card mt-4 overflow-clip" aria-busy={documents.isPlaceholderData || undefined}>
      {documents.isPending ? (
        <SkeletonRows rows={6} />
      ) : documents.isError ? (
        <ErrorState error={documents.error} onRetry={() => void documents.refetch()} />
      ) : items.length === 0 ? (
        <EmptyState
          title={isFiltered ? t("noMatch") : t("empty")}
          action={isFiltered && <Button onClick={onClear}>{t("clearFilters")}</Button>}
        >
          {isFiltered ? t("noMatchHelp") : mayManage ? t("emptyHelp") : t("emptyReader")}
        </EmptyState>
      ) : (
        <>
          <RowHead />
          <ul aria-label={t("table")} className="divide-y divide-line">
            {items.map((document) => (
              <li key={document.id}>
                <DocumentRow document={document} />
              </li>
            ))}
          </ul>
        </>
      )}
      {documents.hasNextPage && (
        <div className="border-t border-line p-3 text-center">
          <Button
            size="small"
            onClick={() => void documents.fetchNextPage()}
            isBusy={documents.isFetchingNextPage}
          >
            {common("loadMore")}
          </Button>
        </div>
      )}
    </div>
  );
}
