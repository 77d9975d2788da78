"use client";

import { useTranslations } from "next-intl";
import { useRef, type KeyboardEvent } from "react";
import { cn } from "@/ui/cn";
import type { TreeItem } from "./tree";
import { HeadCount, Twisty, useUnitKind } from "./unit-card";
import type { TreeState } from "./use-tree-state";

interface OrgListProps {
  state: TreeState;
  selectedId: number | null;
  onSelect: (id: number) => void;
}

/** The tree as an indented list: the phone's org chart, and the quicker one for a screen reader. */
export function OrgList({ state, selectedId, onSelect }: OrgListProps) {
  const t = useTranslations("org");
  const list = useRef<HTMLUListElement>(null);

  function onKeyDown(event: KeyboardEvent) {
    const id = state.activeId;
    if (id === null) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      onSelect(id);
      return;
    }
    const next = state.press(event.key, id);
    if (next === undefined) return;
    event.preventDefault();
    requestAnimationFrame(() => list.current?.querySelector<HTMLElement>(`[data-unit="${next}"]`)?.focus());
  }

  return (
    <ul ref={list} role="tree" aria-label={t("title")} onKeyDown={onKeyDown} className="divide-y divide-line">
      {state.visible.map((item) => (
        <Row
          key={item.node.id}
          item={item}
          state={state}
          isSelected={item.node.id === selectedId}
          onSelect={() => {
            state.setActiveId(item.node.id);
            onSelect(item.node.id);
          }}
        />
      ))}
    </ul>
  );
}

const INDENTS = ["pl-1", "pl-5", "pl-9", "pl-13", "pl-17", "pl-20", "pl-23"];

interface RowProps {
  item: TreeItem;
  state: TreeState;
  isSelected: boolean;
  onSelect: () => void;
}

function Row({ item, state, isSelected, onSelect }: RowProps) {
  const t = useTranslations("org");
  const kindOf = useUnitKind();
  const { node } = item;
  const hasChildren = item.childIds.length > 0;
  const isOpen = state.expanded.has(node.id);
  return (
    <li
      role="treeitem"
      data-unit={node.id}
      aria-level={item.level}
      aria-posinset={item.position}
      aria-setsize={item.siblings}
      aria-expanded={hasChildren ? isOpen : undefined}
      aria-selected={isSelected}
      tabIndex={node.id === state.activeId ? 0 : -1}
      onClick={onSelect}
      className={cn(
        // Rows far from the screen cost nothing until they are scrolled to.
        "flex min-h-13 cursor-pointer items-center gap-1 pr-4 [contain-intrinsic-size:auto_52px] [content-visibility:auto] hover:bg-sunken/60",
        INDENTS[Math.min(item.level, INDENTS.length) - 1],
        isSelected && "bg-pine-tint hover:bg-pine-tint",
      )}
    >
      {hasChildren ? (
        <Twisty
          isOpen={isOpen}
          name={node.name}
          onToggle={() => state.toggle(node.id)}
          className="size-10 text-soft"
        />
      ) : (
        <span aria-hidden className="grid size-10 shrink-0 place-items-center">
          <span className="size-1.5 rounded-full bg-line" />
        </span>
      )}
      <span className="min-w-0 flex-1 py-2">
        <span className="block truncate text-sm font-medium">
          {node.name}
          <span className="ml-2 text-xs font-normal text-faint">{kindOf(node.kind)}</span>
        </span>
        <span className="block truncate text-xs text-soft">{node.head?.name ?? t("noHead")}</span>
      </span>
      <HeadCount node={node} className="shrink-0 text-sm text-soft" />
    </li>
  );
}
