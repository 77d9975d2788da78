"use client";

import { createColumnHelper, tableFeatures, useTable } from "@tanstack/react-table";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useLocale, useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import {
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type MouseEvent,
} from "react";
import type { PersonCard } from "@/api/types";
import { AppLink } from "@/shell/link";
import { carryAsOf } from "@/time/as-of";
import { useAsOf } from "@/time/use-as-of";
import { Avatar } from "@/ui/avatar";
import { Badge } from "@/ui/badge";
import { cn } from "@/ui/cn";
import { primaryName, secondaryName } from "./name";
import { StatusBadge } from "./status-badge";

interface DirectoryTableProps {
  rows: PersonCard[];
  total: number;
  /** The rows answer the question before this one. */
  isStale: boolean;
  hasMore: boolean;
  isFetchingMore: boolean;
  onMore: () => unknown;
}

const features = tableFeatures({});
const helper = createColumnHelper<typeof features, PersonCard>();
const ROW_HEIGHT_PX = 61;

/** Columns that give way on narrow screens; the name cell then says what they said. */
const NARROW: Record<string, string> = {
  number: "hidden md:table-cell",
  unit: "hidden md:table-cell",
  position: "hidden lg:table-cell",
  manager: "hidden xl:table-cell",
  email: "hidden 2xl:table-cell",
};

function useColumns() {
  const t = useTranslations("people");
  return useMemo(
    () =>
      helper.columns([
        helper.display({
          id: "name",
          header: t("column.name"),
          cell: ({ row }) => <NameCell person={row.original} />,
        }),
        helper.accessor("employee_number", {
          id: "number",
          header: t("column.number"),
          cell: (cell) => <span className="tabular text-soft">{cell.getValue()}</span>,
        }),
        helper.display({
          id: "unit",
          header: t("column.unit"),
          cell: ({ row }) => <UnitCell person={row.original} />,
        }),
        helper.accessor((person) => person.position?.title ?? "", {
          id: "position",
          header: t("column.position"),
        }),
        helper.accessor((person) => person.manager?.name ?? "", {
          id: "manager",
          header: t("column.manager"),
        }),
        helper.accessor((person) => person.work_email ?? "", { id: "email", header: t("column.email") }),
      ]),
    [t],
  );
}

export function DirectoryTable(props: DirectoryTableProps) {
  const { rows, total, isStale, hasMore, isFetchingMore, onMore } = props;
  const t = useTranslations("people");
  const columns = useColumns();
  const table = useTable({ features, columns, data: rows, getRowId: (person) => String(person.id) });
  const { body, virtualizer } = useVirtualRows(rows.length);
  const open = useOpenPerson();
  const items = virtualizer.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;

  useEffect(() => {
    if (hasMore && !isFetchingMore && last >= rows.length - 10) onMore();
  }, [hasMore, isFetchingMore, last, rows.length, onMore]);

  const before = (items[0]?.start ?? 0) - virtualizer.options.scrollMargin;
  const after = virtualizer.getTotalSize() - ((items.at(-1)?.end ?? 0) - virtualizer.options.scrollMargin);
  const shown = table.getRowModel().rows;
  return (
    <table
      aria-rowcount={total + 1}
      aria-label={t("title")}
      className={cn("w-full text-sm", isStale && "opacity-60")}
    >
      <thead className="border-b border-line text-left text-xs text-soft">
        {table.getHeaderGroups().map((group) => (
          <tr key={group.id} aria-rowindex={1}>
            {group.headers.map((header) => (
              <th
                key={header.id}
                scope="col"
                className={cn("px-4 py-2.5 font-medium", NARROW[header.column.id])}
              >
                <table.FlexRender header={header} />
              </th>
            ))}
          </tr>
        ))}
      </thead>
      <tbody ref={body} onKeyDown={moveBetweenRows}>
        {before > 0 && <Gap height={before} />}
        {items.map((item) => {
          const row = shown[item.index];
          if (!row) return null;
          return (
            <tr
              key={row.id}
              ref={virtualizer.measureElement}
              data-index={item.index}
              aria-rowindex={item.index + 2}
              onClick={(event) => open(event, row.original.id)}
              className="cursor-pointer border-b border-line last:border-0 hover:bg-sunken/60"
            >
              {row.getAllCells().map((cell) => (
                <td key={cell.id} className={cn("max-w-72 px-4 py-2.5", NARROW[cell.column.id])}>
                  <table.FlexRender cell={cell} />
                </td>
              ))}
            </tr>
          );
        })}
        {after > 0 && <Gap height={after} />}
      </tbody>
    </table>
  );
}

/** Only rows near the screen exist, however long the company's list is. */
function useVirtualRows(count: number) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [scrollMargin, setScrollMargin] = useState(0);
  useLayoutEffect(() => {
    const element = body.current;
    if (element) setScrollMargin(element.getBoundingClientRect().top + window.scrollY);
  }, []);
  const virtualizer = useWindowVirtualizer({
    count,
    estimateSize: () => ROW_HEIGHT_PX,
    overscan: 12,
    scrollMargin,
  });
  return { body, virtualizer };
}

function Gap({ height }: { height: number }) {
  return (
    <tr aria-hidden>
      <td style={{ height }} />
    </tr>
  );
}

/** The whole row is a target for the mouse; keyboards and screen readers use the link in it. */
function useOpenPerson() {
  const router = useRouter();
  const asOf = useAsOf();
  return (event: MouseEvent, id: number) => {
    const isOnLink = event.target instanceof HTMLElement && event.target.closest("a");
    if (isOnLink || getSelection()?.toString()) return;
    router.push(carryAsOf(`/people/${id}`, asOf));
  };
}

/** Up and down walk from name to name. */
function moveBetweenRows(event: KeyboardEvent) {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (!step || !(event.target instanceof HTMLElement)) return;
  const links = Array.from(event.currentTarget.querySelectorAll<HTMLElement>("a[data-row-link]"));
  const next = links[links.indexOf(event.target) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function NameCell({ person }: { person: PersonCard }) {
  const t = useTranslations("people");
  const locale = useLocale();
  const name = primaryName(person.name, locale);
  return (
    <div className="flex items-center gap-3">
      <Avatar id={person.id} name={name} />
      <div className="min-w-0">
        <div className="flex flex-wrap items-center gap-x-2">
          <AppLink href={`/people/${person.id}`} data-row-link className="font-medium hover:underline">
            {name}
          </AppLink>
          <span className="text-xs text-faint">{secondaryName(person.name, locale)}</span>
          {person.is_concurrent_elsewhere && <Badge tone="outline">{t("concurrent")}</Badge>}
          <StatusBadge status={person.employment_status} hidesActive />
        </div>
        <div className="truncate text-xs text-faint md:hidden">
          {[person.org_unit?.name, person.position?.title, person.employee_number]
            .filter(Boolean)
            .join(" · ")}
        </div>
        <div className="hidden truncate text-xs text-faint md:block 2xl:hidden">{person.work_email}</div>
      </div>
    </div>
  );
}

function UnitCell({ person }: { person: PersonCard }) {
  if (!person.org_unit) return null;
  const above = person.org_unit.path.slice(1, -1).join(" › ");
  return (
    <>
      <span className="block truncate">{person.org_unit.name}</span>
      {above && <span className="block truncate text-xs text-faint">{above}</span>}
    </>
  );
}
