"use client";

import { ArrowLeft, Ellipsis, FilePlus2, PencilLine, Trash2 } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { RemoveDialog } from "@/actions/remove-dialog";
import { useDocument, useDocumentSteps } from "@/api/documents";
import type { DocumentDetail } from "@/api/types";
import { useSession } from "@/api/session";
import { AppLink } from "@/shell/link";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import type { Option } from "@/ui/combobox";
import { Menu, MenuItem, MenuSeparator } from "@/ui/menu";
import { PageHead, Section } from "@/ui/page";
import { ErrorState, SkeletonRows } from "@/ui/states";
import { EditDialog } from "./edit-dialog";
import { NewVersionDialog } from "./new-version-dialog";
import { ProposalsSection } from "./proposals-section";
import { documentRights } from "./rights";
import { SkillsSection } from "./skills-section";
import { useReaders } from "./use-readers";
import { VersionList } from "./version-list";

export function DocumentPage({ id }: { id: number }) {
  const t = useTranslations("documents");
  const document = useDocument(id);
  return (
    <>
      <BackLink href="/documents">{t("back")}</BackLink>
      {document.isPending ? (
        <div className="card">
          <SkeletonRows />
        </div>
      ) : document.isError ? (
        <div className="card">
          <ErrorState error={document.error} onRetry={() => void document.refetch()} />
        </div>
      ) : (
        <Loaded document={document.data} />
      )}
    </>
  );
}

export function BackLink({ href, children }: { href: string; children: string }) {
  return (
    <AppLink
      href={href}
      leavesDate
      className="mb-4 inline-flex items-center gap-1.5 text-sm text-soft hover:text-ink"
    >
      <ArrowLeft aria-hidden className="size-4" />
      {children}
    </AppLink>
  );
}

type Open = "version" | "edit" | "delete" | null;

function Loaded({ document }: { document: DocumentDetail }) {
  const t = useTranslations("documents");
  const { ownPersonId } = documentRights(useSession());
  const [open, setOpen] = useState<Open>(null);
  const { remove } = useDocumentSteps(document.id);
  const readers = useReaders(document);
  const isResume = document.kind === "resume" || document.kind === "career_history";
  const isOwn = isResume && document.person_id !== null && document.person_id === ownPersonId;
  const mayAdd = document.may_change || isOwn;
  const inForce = document.versions.find((one) => one.state === "ready");
  const close = () => setOpen(null);
  return (
    <>
      <PageHead
        title={<span className="break-words">{document.title}</span>}
        lead={<Lead document={document} names={[...readers.units, ...readers.people]} />}
        actions={mayAdd && <Actions onOpen={setOpen} document={document} mayEdit={!readers.isPending} />}
      />
      <div className="space-y-5">
        {isResume && mayAdd && <ProposalsSection document={document} />}
        {isResume && inForce && <SkillsSection documentId={document.id} versionId={inForce.id} />}
        <Section title={t("versions")} bodyClassName="pt-2 pb-1">
          <p className="mb-3 text-xs text-faint">{t("versionsLead")}</p>
          <VersionList document={document} onReplace={mayAdd ? () => setOpen("version") : null} />
        </Section>
      </div>
      {open === "version" && <NewVersionDialog document={document} onClose={close} />}
      {open === "edit" && (
        <EditDialog document={document} people={readers.people} units={readers.units} onClose={close} />
      )}
      {open === "delete" && (
        <RemoveDialog room="documents" title={document.title} removal={remove} onClose={close} />
      )}
    </>
  );
}

function Lead({ document, names }: { document: DocumentDetail; names: readonly Option[] }) {
  const t = useTranslations("documents");
  return (
    <span className="mt-1 flex flex-wrap items-center gap-1.5">
      <Badge tone="outline">{t(`kind.${document.kind}`)}</Badge>
      <Badge tone="outline">{t(`audience.${document.audience}`)}</Badge>
      {names.length > 0 && <span>{names.map((one) => one.label).join("・")}</span>}
      {document.person_name && document.person_id !== null && (
        <AppLink href={`/people/${document.person_id}`} className="text-pine hover:underline">
          {t("about", { name: document.person_name })}
        </AppLink>
      )}
    </span>
  );
}

interface ActionsProps {
  onOpen: (open: Open) => void;
  document: DocumentDetail;
  /** Who reads it now is known. */
  mayEdit: boolean;
}

function Actions({ onOpen, document, mayEdit }: ActionsProps) {
  const t = useTranslations("documents");
  return (
    <>
      <Button look="primary" onClick={() => onOpen("version")}>
        <FilePlus2 aria-hidden />
        {t("newVersion")}
      </Button>
      <Menu
        trigger={
          <Button aria-label={t("more")} className="px-2.5">
            <Ellipsis aria-hidden />
          </Button>
        }
      >
        {document.may_change && (
          <>
            <MenuItem disabled={!mayEdit} onSelect={() => onOpen("edit")}>
              <PencilLine aria-hidden />
              {t("edit")}
            </MenuItem>
            {document.may_delete && <MenuSeparator />}
          </>
        )}
        {document.may_delete && (
          <MenuItem onSelect={() => onOpen("delete")} className="text-danger [&_svg]:text-danger">
            <Trash2 aria-hidden />
            {t("remove")}
          </MenuItem>
        )}
      </Menu>
    </>
  );
}
