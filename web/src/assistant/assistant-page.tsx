"use client";

import { History, SquarePen } from "lucide-react";
import { useTranslations } from "next-intl";
import { usePathname, useSearchParams } from "next/navigation";
import { useState } from "react";
import { idOf } from "@/shell/address";
import { Button } from "@/ui/button";
import { Drawer } from "@/ui/dialog";
import { PageHead } from "@/ui/page";
import { useMediaQuery } from "@/ui/use-media-query";
import { Chat } from "./chat";
import { ConversationList } from "./conversation-list";

/** Questions and answers; the address names the conversation, so that a reload comes back to it. */
export function AssistantPage() {
  const t = useTranslations("assistant");
  const { opened, shownId, sitting, begin, open } = useOpened();
  const isWide = useMediaQuery("(min-width: 64rem)");
  const [isHistoryOpen, setIsHistoryOpen] = useState(false);
  const list = (
    <ConversationList
      shownId={shownId}
      onOpen={(id) => {
        setIsHistoryOpen(false);
        open(id);
      }}
    />
  );
  return (
    <>
      <PageHead
        title={t("title")}
        lead={t("lead")}
        actions={
          <>
            {!isWide && (
              <Button onClick={() => setIsHistoryOpen(true)}>
                <History aria-hidden />
                {t("history")}
              </Button>
            )}
            <Button onClick={() => open(null)}>
              <SquarePen aria-hidden />
              {t("newConversation")}
            </Button>
          </>
        }
      />
      <Chat key={sitting} openedId={opened} onBegin={begin} isWide={isWide} history={isWide && list} />
      {!isWide && (
        <Drawer isOpen={isHistoryOpen} onOpenChange={setIsHistoryOpen} title={t("history")}>
          {list}
        </Drawer>
      )}
    </>
  );
}

/** Which conversation is open: by the address, by the list, or because a question began one. */
function useOpened() {
  const parameters = useSearchParams();
  const pathname = usePathname();
  const named = idOf(parameters.get("conversation") ?? "");
  const [opened, setOpened] = useState(named);
  const [shownId, setShownId] = useState(named);
  const [sitting, setSitting] = useState(0);
  const [seen, setSeen] = useState(named);
  if (seen !== named) {
    setSeen(named);
    // The address changed without this page: the back button.
    if (named !== shownId) sitDown(named);
  }

  function sitDown(id: number | null) {
    setOpened(id);
    setShownId(id);
    setSitting((before) => before + 1);
  }

  function address(id: number | null): string {
    const changed = new URLSearchParams(parameters);
    if (id === null) changed.delete("conversation");
    else changed.set("conversation", String(id));
    const rest = changed.toString();
    return pathname + (rest && `?${rest}`);
  }

  return {
    opened,
    shownId,
    sitting,
    begin(id: number) {
      setShownId(id);
      history.replaceState(null, "", address(id));
    },
    open(id: number | null) {
      sitDown(id);
      history.pushState(null, "", address(id));
    },
  };
}
