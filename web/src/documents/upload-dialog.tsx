"use client";

import { useTranslations } from "next-intl";
import { useState, type FormEvent } from "react";
import { DOCUMENT_KINDS, type UploadTerms } from "@/api/documents";
import type { DocumentKind } from "@/api/types";
import { useSession } from "@/api/session";
import { DateField } from "@/actions/date-field";
import { Button } from "@/ui/button";
import { Dialog, DialogBody, DialogFooter } from "@/ui/dialog";
import { Field, Select } from "@/ui/field";
import { AudienceFields, EVERYONE, isComplete, readersOf, type AudienceChoice } from "./audience-fields";
import { FileDrop } from "./file-drop";
import { FileList } from "./file-list";
import { documentRights } from "./rights";
import { useUploadQueue } from "./use-upload-queue";

const OWN_KINDS = ["resume", "career_history"] as const;

/** Many files under the same terms; each is accepted or refused by itself. */
export function UploadDialog({ onClose }: { onClose: () => void }) {
  const t = useTranslations("documents");
  const { mayManage, ownPersonId } = documentRights(useSession());
  const queue = useUploadQueue();
  const [kind, setKind] = useState<DocumentKind>(mayManage ? "policy" : "resume");
  const [choice, setChoice] = useState<AudienceChoice>(EVERYONE);
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");

  const isBackwards = Boolean(from && to && to < from);
  const toSend = queue.files.filter((one) => one.problem === null && one.state !== "accepted").length;
  const accepted = queue.files.filter((one) => one.state === "accepted").length;
  const failed = queue.files.filter((one) => one.state === "failed" || one.state === "stopped").length;
  const isReady = toSend > 0 && !isBackwards && (!mayManage || isComplete(choice));

  function submit(event: FormEvent) {
    event.preventDefault();
    if (!isReady || queue.isSending) return;
    const readers = mayManage
      ? readersOf(choice)
      : { audience: "person" as const, personId: ownPersonId, readerPersonIds: [], readerUnitIds: [] };
    const terms: UploadTerms = { ...readers, kind, effectiveFrom: from, effectiveTo: to };
    void queue.send(terms);
  }

  return (
    <Dialog
      isOpen
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title={mayManage ? t("uploadTitle") : t("uploadOwn")}
      description={t("uploadLead")}
    >
      <form onSubmit={submit}>
        <DialogBody className="space-y-4">
          <FileDrop onFiles={queue.add} isSmall={queue.files.length > 0} />
          {queue.files.length > 0 && <FileList queue={queue} />}
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label={t("kindLabel")} required>
              <Select
                value={kind}
                onChange={(event) =>
                  setKind(DOCUMENT_KINDS.find((one) => one === event.target.value) ?? kind)
                }
              >
                {(mayManage ? DOCUMENT_KINDS : OWN_KINDS).map((one) => (
                  <option key={one} value={one}>
                    {t(`kind.${one}`)}
                  </option>
                ))}
              </Select>
            </Field>
            {mayManage && <AudienceFields value={choice} onChange={setChoice} />}
            {mayManage && (
              <div className="grid gap-4 sm:col-span-2 sm:grid-cols-2">
                <DateField
                  label={t("effectiveFrom")}
                  value={from}
                  onChange={setFrom}
                  help={t("effectiveFromHelp")}
                />
                <DateField
                  label={t("effectiveTo")}
                  value={to}
                  onChange={setTo}
                  help={t("effectiveToHelp")}
                  error={isBackwards ? t("backwards") : undefined}
                />
              </div>
            )}
          </div>
        </DialogBody>
        <DialogFooter>
          <p role="status" className="mr-auto min-w-0 flex-1 text-sm text-soft">
            {queue.isSending || accepted + failed === 0
              ? ""
              : failed > 0
                ? t("sentSome", { done: accepted, failed })
                : t("sentAll", { count: accepted })}
          </p>
          {queue.isSending ? (
            <Button onClick={queue.stop}>{t("stop")}</Button>
          ) : (
            <Button onClick={onClose}>{t("done")}</Button>
          )}
          {(toSend > 0 || accepted === 0) && (
            <Button type="submit" look="primary" isBusy={queue.isSending} disabled={!isReady}>
              {failed > 0
                ? t("retryFailed", { count: toSend })
                : toSend > 1
                  ? t("send", { count: toSend })
                  : t("sendOne")}
            </Button>
          )}
        </DialogFooter>
      </form>
    </Dialog>
  );
}
