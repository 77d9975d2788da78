"use client";

import { ArrowRightLeft, ChevronDown } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { ConcurrentDialog } from "@/actions/concurrent-dialog";
import { CorrectionDialog } from "@/actions/correction-dialog";
import { DepartureDialog } from "@/actions/departure-dialog";
import { NamesDialog } from "@/actions/names-dialog";
import { PrivateDialog } from "@/actions/private-dialog";
import { RehireDialog } from "@/actions/rehire-dialog";
import { TransferDialog } from "@/actions/transfer-dialog";
import type { PersonDetail } from "@/api/types";
import { Button } from "@/ui/button";
import { Menu, MenuItem, MenuSeparator } from "@/ui/menu";

const DIALOGS = {
  transfer: TransferDialog,
  concurrent: ConcurrentDialog,
  correction: CorrectionDialog,
  departure: DepartureDialog,
  rehire: RehireDialog,
  names: NamesDialog,
  private: PrivateDialog,
};
type Action = keyof typeof DIALOGS;

/** What the reader may do to this person; the API says what, and decides again when it is done. */
export function PersonActions({ person }: { person: PersonDetail }) {
  const t = useTranslations("actions");
  const [action, setAction] = useState<Action | null>(null);
  const { may } = person;
  const changes: Action[] = [
    ...(may.transfer ? (["concurrent"] as const) : []),
    ...(may.correct ? (["correction"] as const) : []),
    ...(may.edit_private ? (["names", "private"] as const) : []),
  ];
  const ends: Action[] = [
    ...(may.terminate ? (["departure"] as const) : []),
    ...(may.correct && person.employment_status === "left" ? (["rehire"] as const) : []),
  ];
  const Open = action && DIALOGS[action];
  if (!may.transfer && !changes.length && !ends.length) return null;
  return (
    <div className="flex flex-wrap gap-2 max-sm:w-full">
      {may.transfer && (
        <Button look="primary" onClick={() => setAction("transfer")} className="max-sm:flex-1">
          <ArrowRightLeft aria-hidden />
          {t("transfer.open")}
        </Button>
      )}
      {changes.length + ends.length > 0 && (
        <Menu
          trigger={
            <Button>
              {t("more")}
              <ChevronDown aria-hidden />
            </Button>
          }
        >
          {changes.map((name) => (
            <MenuItem key={name} onSelect={() => setAction(name)}>
              {t(`${name}.open`)}
            </MenuItem>
          ))}
          {ends.length > 0 && changes.length > 0 && <MenuSeparator />}
          {ends.map((name) => (
            <MenuItem key={name} onSelect={() => setAction(name)}>
              {t(`${name}.open`)}
            </MenuItem>
          ))}
        </Menu>
      )}
      {Open && <Open person={person} onClose={() => setAction(null)} />}
    </div>
  );
}
