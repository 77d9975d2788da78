"use client";

import { ArrowRight } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useState } from "react";
import type { Verdict } from "@/api/orders";
import { useSession } from "@/api/session";
import type { ChangeOrder } from "@/api/types";
import { AppLink } from "@/shell/link";
import { moment, shortDay } from "@/time/format";
import { Button } from "@/ui/button";
import { cn } from "@/ui/cn";
import { Fact, Facts } from "@/ui/page";
import { RowToggle } from "@/ui/row-toggle";
import { useFieldName } from "./field-name";
import { useKindName } from "./kind-name";
import { orderText, valueText } from "./order-text";
import { StateBadge } from "./state-badge";

interface OrderRowProps {
  order: ChangeOrder;
  onDecide: (verdict: Verdict) => void;
}

/** An order that opens to everything that is known about it, with what may be decided. */
export function OrderRow({ order, onDecide }: OrderRowProps) {
  const t = useTranslations("orders");
  const locale = useLocale();
  const kindName = useKindName();
  const [isOpen, setIsOpen] = useState(false);
  const detailId = `order-${order.id}`;
  return (
    <li>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3 sm:px-5">
        <span className="tabular w-24 shrink-0 text-sm text-soft">
          {shortDay(order.effective_on, locale)}
        </span>
        <div className="min-w-44 flex-1">
          <p className="text-sm">
            {order.person && (
              <AppLink href={`/people/${order.person.id}`} className="mr-2 font-medium hover:underline">
                {order.person.name}
              </AppLink>
            )}
            <span className={order.person ? "text-xs text-faint" : "font-medium"}>
              {kindName(order.kind)}
            </span>
          </p>
          <p className="text-[0.8125rem] break-words text-soft">{orderText(order, locale)}</p>
        </div>
        <StateBadge state={order.state} />
        <Decisions order={order} onDecide={onDecide} />
        <RowToggle
          isOpen={isOpen}
          onToggle={() => setIsOpen((now) => !now)}
          controls={detailId}
          label={t("showDetail")}
        />
      </div>
      <div id={detailId} hidden={!isOpen} className="border-t border-line bg-sunken/50 px-4 py-4 sm:px-5">
        {isOpen && <Detail order={order} />}
      </div>
    </li>
  );
}

function Decisions({ order, onDecide }: OrderRowProps) {
  const t = useTranslations("orders");
  const { user, roles } = useSession();
  const decides = roles.includes("hr") || roles.includes("owner");
  const isOwn = order.requested_by?.id === user.id;
  if (order.state === "proposed" && decides && !isOwn) {
    return (
      <span className="flex gap-2">
        <Button size="small" look="primary" onClick={() => onDecide("approve")}>
          {t("approve")}
        </Button>
        <Button size="small" onClick={() => onDecide("reject")}>
          {t("reject")}
        </Button>
      </span>
    );
  }
  if ((order.state === "reserved" && decides) || (order.state === "proposed" && isOwn)) {
    return (
      <Button size="small" onClick={() => onDecide("cancel")}>
        {t("cancelOrder")}
      </Button>
    );
  }
  return null;
}

function Detail({ order }: { order: ChangeOrder }) {
  const t = useTranslations("orders");
  const locale = useLocale();
  const fieldName = useFieldName();
  const { tenant, user } = useSession();
  const said = (who: ChangeOrder["requested_by"], at: string | null) =>
    [who?.name ?? t("system"), at && moment(at, locale, tenant.time_zone)].filter(Boolean).join(" · ");
  return (
    <div className="space-y-4 text-sm">
      {order.changes.length > 0 && (
        <ul className="space-y-1">
          {order.changes.map((change) => (
            <li key={change.field} className="flex flex-wrap items-center gap-x-2">
              <span className="w-24 shrink-0 text-faint">
                {fieldName(change.field, order.person !== null)}
              </span>
              <span className={cn(!change.before && "text-faint")}>
                {valueText(change.before, locale) || "—"}
              </span>
              <ArrowRight aria-hidden className="size-3.5 text-faint" />
              <span className="font-medium">{valueText(change.after, locale) || "—"}</span>
            </li>
          ))}
        </ul>
      )}
      <Facts className="lg:grid-cols-3">
        <Fact label={t("requested")}>{said(order.requested_by, order.requested_at)}</Fact>
        {order.approved_at && <Fact label={t("approved")}>{said(order.approved_by, order.approved_at)}</Fact>}
        {order.reason && <Fact label={t("reason")}>{order.reason}</Fact>}
        {order.closing_note && <Fact label={t("note")}>{order.closing_note}</Fact>}
      </Facts>
      {order.state === "proposed" && order.requested_by?.id === user.id && (
        <p className="text-xs text-soft">{t("ownProposal")}</p>
      )}
    </div>
  );
}
