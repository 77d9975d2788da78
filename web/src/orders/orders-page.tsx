"use client";

import { useTranslations } from "next-intl";
import { usePathname, useSearchParams } from "next/navigation";
import { useState } from "react";
import { useOrders, type OrderState, type Verdict } from "@/api/orders";
import type { ChangeOrder } from "@/api/types";
import { Button } from "@/ui/button";
import { cn } from "@/ui/cn";
import { PageHead } from "@/ui/page";
import { EmptyState, ErrorState, SkeletonRows } from "@/ui/states";
import { DecisionDialog } from "./decision-dialog";
import { OrderRow } from "./order-row";

const STATES: readonly (OrderState | null)[] = [
  null,
  "proposed",
  "reserved",
  "applied",
  "rejected",
  "cancelled",
];

export function OrdersPage() {
  const t = useTranslations("orders");
  const common = useTranslations("common");
  const { state, choose } = useChosenState();
  const [decision, setDecision] = useState<{ order: ChangeOrder; verdict: Verdict } | null>(null);
  const orders = useOrders(state ? { state } : {});
  const items = orders.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <PageHead title={t("title")} lead={t("lead")} />
      <div role="group" aria-label={t("filter")} className="mb-4 flex flex-wrap gap-1.5">
        {STATES.map((one) => (
          <button
            key={one ?? "all"}
            type="button"
            aria-pressed={one === state}
            onClick={() => choose(one)}
            className={cn(
              "h-8 rounded-full border px-3 text-[0.8125rem]",
              one === state
                ? "border-pine bg-pine text-on-pine"
                : "border-line bg-surface text-soft hover:border-edge",
            )}
          >
            {one ? t(`state.${one}`) : t("all")}
          </button>
        ))}
      </div>
      <div className="card overflow-hidden">
        {orders.isPending ? (
          <SkeletonRows />
        ) : orders.isError ? (
          <ErrorState error={orders.error} onRetry={() => void orders.refetch()} />
        ) : items.length === 0 ? (
          <EmptyState title={t("empty")}>{t("emptyHelp")}</EmptyState>
        ) : (
          <ul className={cn("divide-y divide-line", orders.isPlaceholderData && "opacity-60")}>
            {items.map((order) => (
              <OrderRow
                key={order.id}
                order={order}
                onDecide={(verdict) => setDecision({ order, verdict })}
              />
            ))}
          </ul>
        )}
      </div>
      {orders.hasNextPage && (
        <div className="mt-4 text-center">
          <Button onClick={() => void orders.fetchNextPage()} isBusy={orders.isFetchingNextPage}>
            {common("loadMore")}
          </Button>
        </div>
      )}
      {decision && <DecisionDialog {...decision} onClose={() => setDecision(null)} />}
    </>
  );
}

/** The filter lives in the address, so that "waiting for approval" can be a bookmark. */
function useChosenState() {
  const parameters = useSearchParams();
  const pathname = usePathname();
  const state = STATES.find((one) => one !== null && one === parameters.get("state")) ?? null;
  function choose(next: OrderState | null) {
    const changed = new URLSearchParams(parameters);
    if (next) changed.set("state", next);
    else changed.delete("state");
    const rest = changed.toString();
    history.replaceState(null, "", pathname + (rest && `?${rest}`));
  }
  return { state, choose };
}
