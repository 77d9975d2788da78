"use client";

import { ChevronsDownUp, ChevronsUpDown, List, Network } from "lucide-react";
import { useTranslations } from "next-intl";
import { usePathname, useSearchParams } from "next/navigation";
import { useMemo, useState } from "react";
import { useOrgChart } from "@/api/org";
import type { OrgNode } from "@/api/types";
import { useAsOf } from "@/time/use-as-of";
import { Button } from "@/ui/button";
import { cn } from "@/ui/cn";
import { Combobox } from "@/ui/combobox";
import { Dialog } from "@/ui/dialog";
import { PageHead } from "@/ui/page";
import { EmptyState, ErrorState, SkeletonRows } from "@/ui/states";
import { useMediaQuery } from "@/ui/use-media-query";
import { OrgChart } from "./org-chart";
import { OrgList } from "./org-list";
import { buildTree } from "./tree";
import { UnitPanel } from "./unit-panel";
import { matchOptions } from "./units";
import { useTreeState, type TreeState } from "./use-tree-state";

const NO_NODES: OrgNode[] = [];

export function OrgPage() {
  const t = useTranslations("org");
  const { query } = useAsOf();
  const chart = useOrgChart({}, query);
  return (
    <>
      <PageHead title={t("title")} lead={t("lead")} />
      {chart.isPending ? (
        <div className="card">
          <SkeletonRows rows={8} />
        </div>
      ) : chart.isError ? (
        <div className="card">
          <ErrorState error={chart.error} onRetry={() => void chart.refetch()} />
        </div>
      ) : chart.data.nodes.length === 0 ? (
        <div className="card">
          <EmptyState title={t("empty")}>{t("emptyHelp")}</EmptyState>
        </div>
      ) : (
        <Loaded nodes={chart.data.nodes ?? NO_NODES} />
      )}
    </>
  );
}

function Loaded({ nodes }: { nodes: readonly OrgNode[] }) {
  const tree = useMemo(() => buildTree(nodes), [nodes]);
  const { selectedId, select } = useSelectedUnit();
  const state = useTreeState(tree, selectedId);
  const isWide = useMediaQuery("(min-width: 64rem)");
  const [chosenView, setChosenView] = useState<"chart" | "list" | null>(null);
  const [revealCount, setRevealCount] = useState(0);
  const view = chosenView ?? (isWide ? "chart" : "list");
  const selected = selectedId === null ? undefined : tree.items.get(selectedId)?.node;

  function find(id: number) {
    state.reveal(id);
    setRevealCount((count) => count + 1);
    select(id);
  }

  return (
    <>
      <Toolbar nodes={nodes} state={state} view={view} onView={setChosenView} onFind={find} />
      <div
        className={cn(
          "card mt-3 overflow-hidden",
          isWide && "grid",
          isWide && selected && "grid-cols-[minmax(0,1fr)_20rem]",
          view === "chart" && "h-[max(24rem,calc(100dvh-15.5rem))]",
        )}
      >
        {view === "chart" ? (
          <OrgChart
            tree={tree}
            state={state}
            selectedId={selectedId}
            onSelect={select}
            revealCount={revealCount}
          />
        ) : (
          <OrgList state={state} selectedId={selectedId} onSelect={select} />
        )}
        {isWide && selected && (
          <div
            className={cn(
              "border-l border-line",
              view === "chart" ? "min-h-0" : "sticky top-16 max-h-[calc(100dvh-5rem)]",
            )}
          >
            <UnitPanel node={selected} onClose={() => select(null)} />
          </div>
        )}
      </div>
      {!isWide && selected && (
        <Dialog isOpen onOpenChange={() => select(null)} title={selected.name} width="narrow">
          <UnitPanel node={selected} />
        </Dialog>
      )}
    </>
  );
}

/** The chosen unit lives in the address, so that a link can point at it. */
function useSelectedUnit() {
  const parameters = useSearchParams();
  const pathname = usePathname();
  const wanted = Number(parameters.get("unit"));
  function select(id: number | null) {
    const changed = new URLSearchParams(parameters);
    if (id === null) changed.delete("unit");
    else changed.set("unit", String(id));
    const rest = changed.toString();
    history.replaceState(null, "", pathname + (rest && `?${rest}`));
  }
  return { selectedId: Number.isSafeInteger(wanted) && wanted > 0 ? wanted : null, select };
}

interface ToolbarProps {
  nodes: readonly OrgNode[];
  state: TreeState;
  view: "chart" | "list";
  onView: (view: "chart" | "list") => void;
  onFind: (id: number) => void;
}

const MOST = 40;

function Toolbar({ nodes, state, view, onView, onFind }: ToolbarProps) {
  const t = useTranslations("org");
  const [query, setQuery] = useState("");
  const all = useMemo(
    () => nodes.map((node) => ({ id: node.id, label: node.name, detail: node.head?.name })),
    [nodes],
  );
  const options = useMemo(() => matchOptions(all, query).slice(0, MOST), [all, query]);
  return (
    <div className="flex flex-wrap items-center gap-2">
      <div className="min-w-56 flex-1 sm:max-w-sm" role="search" aria-label={t("search")}>
        <Combobox
          label={t("search")}
          value={null}
          onChange={(option) => option && onFind(option.id)}
          options={options}
          query={query}
          onQueryChange={setQuery}
          placeholder={t("search")}
          emptyText={t("noMatch")}
        />
      </div>
      <div className="flex gap-2 sm:ml-auto">
        <Button onClick={state.expandAll}>
          <ChevronsUpDown aria-hidden />
          <span className="max-sm:sr-only">{t("expandAll")}</span>
        </Button>
        <Button onClick={state.collapseAll}>
          <ChevronsDownUp aria-hidden />
          <span className="max-sm:sr-only">{t("collapseAll")}</span>
        </Button>
        <div
          role="group"
          aria-label={t("view")}
          className="flex rounded-lg border border-line bg-surface p-0.5"
        >
          <ViewButton
            isOn={view === "chart"}
            label={t("chart")}
            icon={Network}
            onClick={() => onView("chart")}
          />
          <ViewButton isOn={view === "list"} label={t("list")} icon={List} onClick={() => onView("list")} />
        </div>
      </div>
    </div>
  );
}

interface ViewButtonProps {
  isOn: boolean;
  label: string;
  icon: typeof List;
  onClick: () => void;
}

function ViewButton({ isOn, label, icon: Icon, onClick }: ViewButtonProps) {
  return (
    <button
      type="button"
      aria-pressed={isOn}
      aria-label={label}
      title={label}
      onClick={onClick}
      className={cn(
        "grid h-8.5 w-9 place-items-center rounded-md",
        isOn ? "bg-pine-tint text-pine-deep" : "text-soft hover:text-ink",
      )}
    >
      <Icon aria-hidden className="size-4" />
    </button>
  );
}
