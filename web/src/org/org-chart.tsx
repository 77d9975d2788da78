"use client";

import { Maximize2, Minus, Plus } from "lucide-react";
import { useTranslations } from "next-intl";
import { useCallback, useEffect, useMemo, useRef, type KeyboardEvent, type RefObject } from "react";
import { cn } from "@/ui/cn";
import { CARD_HEIGHT, CARD_WIDTH, elbow, layOut, type Layout, type Placed } from "./layout";
import type { Tree } from "./tree";
import { HeadCount, Twisty } from "./unit-card";
import { fitted, usePanZoom, zoomedAt, type Size, type View } from "./use-pan-zoom";
import type { TreeState } from "./use-tree-state";

interface OrgChartProps {
  tree: Tree;
  state: TreeState;
  selectedId: number | null;
  onSelect: (id: number) => void;
  /** Counts up whenever somebody asks to be brought to the active unit. */
  revealCount: number;
}

/** The tree as cards and lines that can be dragged and zoomed; only cards near the frame exist. */
export function OrgChart({ tree, state, selectedId, onSelect, revealCount }: OrgChartProps) {
  const t = useTranslations("org");
  const frame = useRef<HTMLDivElement>(null);
  const { view, setView, size, handlers, wasDragged } = usePanZoom(frame);
  const layout = useMemo(() => layOut(tree, state.expanded), [tree, state.expanded]);
  const bring = useBringIntoView(frame, layout, setView);
  useInitialFit(layout, size, selectedId, setView);

  useEffect(() => {
    if (revealCount > 0 && state.activeId !== null) bring(state.activeId, true);
    // Only when asked: otherwise every move of the keyboard would centre the chart.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [revealCount]);

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
    bring(next, false);
  }

  const zoom = (factor: number) =>
    setView((now) => zoomedAt(now, factor, { x: size.width / 2, y: size.height / 2 }));
  const shown = cull(layout, view, size, state.activeId);
  return (
    <div className="relative h-full min-h-0">
      <div
        ref={frame}
        {...handlers}
        className="relative size-full cursor-grab touch-none overflow-hidden bg-[radial-gradient(var(--color-line)_1px,transparent_1px)] bg-[length:22px_22px] active:cursor-grabbing"
      >
        <div
          style={{ transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})` }}
          className="absolute top-0 left-0 origin-top-left will-change-transform"
        >
          <Lines layout={layout} shown={shown} />
          <div role="tree" aria-label={t("title")} aria-describedby="org-keys" onKeyDown={onKeyDown}>
            {shown.map((placed) => (
              <ChartCard
                key={placed.item.node.id}
                placed={placed}
                state={state}
                isSelected={placed.item.node.id === selectedId}
                onSelect={(id) => {
                  if (!wasDragged()) onSelect(id);
                }}
              />
            ))}
          </div>
        </div>
      </div>
      <p id="org-keys" className="sr-only">
        {t("keyboardHelp")}
      </p>
      <div className="absolute bottom-3 left-3 flex overflow-hidden rounded-lg border border-line bg-surface shadow-card">
        <ZoomButton label={t("zoomOut")} icon={Minus} onClick={() => zoom(1 / 1.25)} />
        <ZoomButton label={t("zoomIn")} icon={Plus} onClick={() => zoom(1.25)} />
        <ZoomButton label={t("fit")} icon={Maximize2} onClick={() => setView(fitted(layout, size))} />
      </div>
    </div>
  );
}

function ZoomButton({
  label,
  icon: Icon,
  onClick,
}: {
  label: string;
  icon: typeof Plus;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      onClick={onClick}
      className="grid size-9 place-items-center border-r border-line text-soft last:border-r-0 hover:bg-sunken"
    >
      <Icon aria-hidden className="size-4" />
    </button>
  );
}

/** Fits once, when frame and tree are known; later the reader decides what to look at. */
function useInitialFit(layout: Layout, size: Size, selectedId: number | null, setView: (view: View) => void) {
  const hasFitted = useRef(false);
  useEffect(() => {
    if (hasFitted.current || size.width === 0) return;
    hasFitted.current = true;
    const all = fitted(layout, size);
    if (all.scale >= READABLE) {
      setView(all);
      return;
    }
    // A large company shrunk to fit would be unreadable: rather begin at the chosen unit, or at the top.
    const near = { ...all, scale: 0.85, x: 24 };
    const chosen = layout.placed.get(selectedId ?? -1);
    const root = rootOf(layout);
    if (chosen) setView(moved(near, chosen, size, true));
    else setView(root ? { ...near, y: moved(near, root, size, true).y } : near);
  }, [layout, size, selectedId, setView]);
}

const READABLE = 0.55;

function rootOf(layout: Layout): Placed | undefined {
  return [...layout.placed.values()].find((placed) => placed.item.level === 1);
}

/** Moves the view so that a card is inside it, and gives the card the focus. */
function useBringIntoView(
  frame: RefObject<HTMLDivElement | null>,
  layout: Layout,
  setView: (change: (now: View) => View) => void,
) {
  const latest = useRef(layout);
  useEffect(() => {
    latest.current = layout;
  }, [layout]);
  return useCallback(
    (id: number, isCentred: boolean) => {
      // After the next paint, when a card that was just revealed has its place.
      requestAnimationFrame(() => {
        const placed = latest.current.placed.get(id);
        const element = frame.current;
        if (!placed || !element) return;
        setView((now) =>
          moved(now, placed, { width: element.clientWidth, height: element.clientHeight }, isCentred),
        );
        requestAnimationFrame(() =>
          element.querySelector<HTMLElement>(`[data-unit="${id}"]`)?.focus({ preventScroll: true }),
        );
      });
    },
    [frame, setView],
  );
}

function moved(now: View, placed: Placed, frame: Size, isCentred: boolean): View {
  const left = now.x + placed.x * now.scale;
  const top = now.y + placed.y * now.scale;
  const [width, height] = [CARD_WIDTH * now.scale, CARD_HEIGHT * now.scale];
  if (isCentred) {
    return {
      ...now,
      x: now.x + (frame.width - width) / 2 - left,
      y: now.y + (frame.height - height) / 2 - top,
    };
  }
  const inside = (start: number, length: number, room: number) =>
    Math.max(0, 16 - start) - Math.max(0, start + length + 16 - room);
  return {
    ...now,
    x: now.x + inside(left, width, frame.width),
    y: now.y + inside(top, height, frame.height),
  };
}

const BEYOND_PX = 300;

/** Cards inside the frame or near it; the one with the keyboard always. */
function cull(layout: Layout, view: View, size: Size, activeId: number | null): Placed[] {
  const left = (-view.x - BEYOND_PX) / view.scale - CARD_WIDTH;
  const right = (size.width - view.x + BEYOND_PX) / view.scale;
  const top = (-view.y - BEYOND_PX) / view.scale - CARD_HEIGHT;
  const bottom = (size.height - view.y + BEYOND_PX) / view.scale;
  return [...layout.placed.values()].filter(
    ({ item, x, y }) => item.node.id === activeId || (x > left && x < right && y > top && y < bottom),
  );
}

function Lines({ layout, shown }: { layout: Layout; shown: readonly Placed[] }) {
  const paths = shown.flatMap((child) => {
    const parent = child.item.parentId === null ? undefined : layout.placed.get(child.item.parentId);
    return parent ? [elbow(parent, child)] : [];
  });
  return (
    <svg
      aria-hidden
      width={layout.width}
      height={layout.height}
      className="pointer-events-none absolute top-0 left-0 overflow-visible"
    >
      <path d={paths.join("")} fill="none" className="stroke-edge/60" strokeWidth="1.5" />
    </svg>
  );
}

interface ChartCardProps {
  placed: Placed;
  state: TreeState;
  isSelected: boolean;
  onSelect: (id: number) => void;
}

function ChartCard({ placed, state, isSelected, onSelect }: ChartCardProps) {
  const t = useTranslations("org");
  const { item, x, y } = placed;
  const { node } = item;
  const isOpen = state.expanded.has(node.id);
  const hasChildren = item.childIds.length > 0;
  return (
    <div
      role="treeitem"
      data-unit={node.id}
      aria-level={item.level}
      aria-posinset={item.position}
      aria-setsize={item.siblings}
      aria-expanded={hasChildren ? isOpen : undefined}
      aria-selected={isSelected}
      tabIndex={node.id === state.activeId ? 0 : -1}
      onClick={() => {
        state.setActiveId(node.id);
        onSelect(node.id);
      }}
      style={{ transform: `translate(${x}px, ${y}px)`, width: CARD_WIDTH, height: CARD_HEIGHT }}
      className={cn(
        "absolute top-0 left-0 flex cursor-pointer items-center rounded-xl border bg-surface pl-3.5 text-left shadow-card hover:border-pine",
        item.level === 1 ? "border-pine bg-pine text-on-pine" : "border-line",
        isSelected && "ring-2 ring-pine ring-offset-2 ring-offset-paper",
      )}
    >
      <span className="min-w-0 flex-1">
        <span className="block truncate text-sm font-semibold">{node.name}</span>
        <span
          className={cn(
            "mt-0.5 flex items-center gap-2.5 text-xs",
            item.level === 1 ? "text-on-pine/90" : "text-soft",
          )}
        >
          <span className="truncate">{node.head?.name ?? t("noHead")}</span>
          <HeadCount node={node} className="shrink-0" />
        </span>
      </span>
      {hasChildren && (
        <Twisty
          isOpen={isOpen}
          name={node.name}
          onToggle={() => state.toggle(node.id)}
          className={cn("mr-1 size-8", item.level === 1 ? "hover:bg-pine-deep" : "text-soft hover:bg-sunken")}
        />
      )}
    </div>
  );
}
