"use client";

import { useLocale } from "next-intl";
import type { ChangeOrder } from "@/api/types";
import { AppLink } from "@/shell/link";
import { shortDay } from "@/time/format";
import { cn } from "@/ui/cn";
import { useKindName } from "./kind-name";
import { orderText } from "./order-text";
import { StateBadge } from "./state-badge";

interface OrderLineProps {
  order: ChangeOrder;
  /** On the page of the person themself. */
  hidesPerson?: boolean;
  className?: string;
}

/** An order in one line: the day, the person, what happens. */
export function OrderLine({ order, hidesPerson, className }: OrderLineProps) {
  const locale = useLocale();
  const kindName = useKindName();
  return (
    <div className={cn("flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-3 sm:px-5", className)}>
      <span className="tabular w-24 shrink-0 text-sm text-soft">{shortDay(order.effective_on, locale)}</span>
      <span className="min-w-40 flex-1">
        <span className="block text-sm">
          {order.person && !hidesPerson ? (
            <AppLink href={`/people/${order.person.id}`} className="font-medium hover:underline">
              {order.person.name}
            </AppLink>
          ) : null}
          <span className={hidesPerson ? "font-medium" : "ml-2 text-xs text-faint"}>
            {kindName(order.kind)}
          </span>
        </span>
        <span className="block text-xs break-words text-soft">{orderText(order, locale)}</span>
      </span>
      <StateBadge state={order.state} />
    </div>
  );
}
