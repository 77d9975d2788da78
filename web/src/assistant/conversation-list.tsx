"use client";

import { Trash2 } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useState } from "react";
import { FormDialog } from "@/actions/form-dialog";
import { useConversations, useDeleteConversation } from "@/api/assistant";
import type { ConversationLine } from "@/api/types";
import { useSession } from "@/api/session";
import { moment } from "@/time/format";
import { Button } from "@/ui/button";
import { cn } from "@/ui/cn";
import { ErrorState, SkeletonRows } from "@/ui/states";
import { useToast } from "@/ui/toast";

interface ConversationListProps {
  /** The one that is on the page. */
  shownId: number | null;
  /** Null begins a new one. */
  onOpen: (id: number | null) => void;
}

/** One's own questions, the newest first. */
export function ConversationList({ shownId, onOpen }: ConversationListProps) {
  const t = useTranslations("assistant");
  const common = useTranslations("common");
  const conversations = useConversations();
  const [toDelete, setToDelete] = useState<ConversationLine | null>(null);
  const items = conversations.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section className="lg:card lg:sticky lg:top-20 lg:flex lg:max-h-[calc(100dvh-11.5rem)] lg:flex-col lg:overflow-hidden">
      <div className="border-b border-line px-5 py-3">
        <h2 className="font-serif text-base font-semibold max-lg:sr-only">{t("history")}</h2>
        <p className="text-xs text-faint">{t("historyNote")}</p>
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto">
        {conversations.isPending ? (
          <SkeletonRows rows={3} />
        ) : conversations.isError ? (
          <ErrorState error={conversations.error} onRetry={() => void conversations.refetch()} />
        ) : items.length === 0 ? (
          <p className="px-5 py-6 text-sm text-faint">{t("noHistory")}</p>
        ) : (
          <ul className="p-2">
            {items.map((line) => (
              <Line
                key={line.id}
                line={line}
                isShown={line.id === shownId}
                onOpen={() => onOpen(line.id)}
                onDelete={() => setToDelete(line)}
              />
            ))}
          </ul>
        )}
        {conversations.hasNextPage && (
          <div className="p-3 text-center">
            <Button
              size="small"
              onClick={() => void conversations.fetchNextPage()}
              isBusy={conversations.isFetchingNextPage}
            >
              {common("loadMore")}
            </Button>
          </div>
        )}
      </div>
      {toDelete && (
        <DeleteConversation
          line={toDelete}
          onClose={() => setToDelete(null)}
          onDeleted={() => {
            setToDelete(null);
            if (toDelete.id === shownId) onOpen(null);
          }}
        />
      )}
    </section>
  );
}

interface LineProps {
  line: ConversationLine;
  isShown: boolean;
  onOpen: () => void;
  onDelete: () => void;
}

function Line({ line, isShown, onOpen, onDelete }: LineProps) {
  const t = useTranslations("assistant");
  const locale = useLocale();
  const { tenant } = useSession();
  return (
    <li className={cn("flex items-center rounded-lg hover:bg-sunken", isShown && "bg-pine-tint")}>
      <button
        type="button"
        onClick={onOpen}
        aria-current={isShown ? "true" : undefined}
        className="min-w-0 flex-1 px-3 py-2 text-left"
      >
        <span className="line-clamp-2 text-sm break-words">{line.question}</span>
        <span className="block text-xs text-faint">
          {moment(line.last_asked_at, locale, tenant.time_zone)} · {t("answers", { count: line.answers })}
        </span>
      </button>
      <button
        type="button"
        aria-label={t("deleteOf", { question: line.question })}
        onClick={onDelete}
        className="mr-1 grid size-9 shrink-0 place-items-center rounded-lg text-faint hover:bg-surface hover:text-danger"
      >
        <Trash2 aria-hidden className="size-4" />
      </button>
    </li>
  );
}

interface DeleteConversationProps {
  line: ConversationLine;
  onClose: () => void;
  onDeleted: () => void;
}

function DeleteConversation({ line, onClose, onDeleted }: DeleteConversationProps) {
  const t = useTranslations("assistant");
  const announce = useToast();
  const remove = useDeleteConversation();
  return (
    <FormDialog
      title={t("deleteTitle")}
      submitLabel={t("delete")}
      isDangerous
      onSubmit={() =>
        remove.mutate(line.id, {
          onSuccess: () => {
            announce(t("deleted"));
            onDeleted();
          },
        })
      }
      onClose={onClose}
      isBusy={remove.isPending}
      error={remove.error}
    >
      <p className="text-sm sm:col-span-2">{t("deleteHelp", { question: line.question })}</p>
    </FormDialog>
  );
}
