"use client";

import { Download, FileSpreadsheet, FileText } from "lucide-react";
import { useTranslations } from "next-intl";
import { useAsOf } from "@/time/use-as-of";
import { Button } from "@/ui/button";
import { Menu, MenuItem, MenuLabel } from "@/ui/menu";

const FORMATS = [
  { name: "csvExcel", file: "people.csv", encoding: "utf-8-sig", icon: FileText },
  { name: "csvSjis", file: "people.csv", encoding: "cp932", icon: FileText },
  { name: "xlsx", file: "people.xlsx", encoding: null, icon: FileSpreadsheet },
] as const;

/** Downloads everybody as of the date shown. Plain links, so that a large file streams straight to disk. */
export function ExportMenu() {
  const t = useTranslations("people");
  const { query } = useAsOf();
  return (
    <Menu
      trigger={
        <Button>
          <Download aria-hidden />
          {t("export")}
        </Button>
      }
    >
      <MenuLabel>{t("exportHelp")}</MenuLabel>
      {FORMATS.map(({ name, file, encoding, icon: Icon }) => (
        <MenuItem key={name} asChild>
          <a
            href={`/api/v1/exports/${file}?${new URLSearchParams({ ...query, ...(encoding && { encoding }) })}`}
            download
          >
            <Icon aria-hidden />
            {t(`exportFormat.${name}`)}
          </a>
        </MenuItem>
      ))}
    </Menu>
  );
}
