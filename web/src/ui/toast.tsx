"use client";

import { CircleCheck, TriangleAlert, X } from "lucide-react";
import { useTranslations } from "next-intl";
import { Toast as Primitive } from "radix-ui";
import { createContext, use, useCallback, useState, type ReactNode } from "react";
import { cn } from "./cn";
import { useHydrated } from "./use-hydrated";

interface Message {
  id: number;
  tone: "done" | "failed";
  text: string;
}

type Announce = (text: string, tone?: Message["tone"]) => void;
const ToastContext = createContext<Announce>(() => {});

/** Says in a corner, and to screen readers, that something was done. */
export function useToast(): Announce {
  return use(ToastContext);
}

let lastId = 0;

export function ToastProvider({ children }: { children: ReactNode }) {
  const t = useTranslations("common");
  // The region carries an inline style, which the policy refuses in markup that a server sent.
  const isHydrated = useHydrated();
  const [messages, setMessages] = useState<Message[]>([]);
  const announce = useCallback<Announce>((text, tone = "done") => {
    setMessages((shown) => [...shown.slice(-2), { id: ++lastId, tone, text }]);
  }, []);
  return (
    <ToastContext value={announce}>
      <Primitive.Provider label={t("notification")} duration={6000} swipeDirection="right">
        {children}
        {messages.map((message) => (
          <Primitive.Root
            key={message.id}
            onOpenChange={(isOpen) =>
              !isOpen && setMessages((shown) => shown.filter((one) => one.id !== message.id))
            }
            className="flex animate-rise items-start gap-3 rounded-xl bg-night px-4 py-3 text-sm text-night-text shadow-float"
          >
            <Icon tone={message.tone} />
            <Primitive.Description className="min-w-0 flex-1">{message.text}</Primitive.Description>
            <Primitive.Close aria-label={t("close")} className="-mr-1 grid size-6 place-items-center rounded">
              <X aria-hidden className="size-4" />
            </Primitive.Close>
          </Primitive.Root>
        ))}
        {isHydrated && (
          <Primitive.Viewport
            label={t("notifications", { hotkey: "F8" })}
            className="fixed right-4 bottom-20 z-[60] flex w-[min(24rem,calc(100vw-2rem))] flex-col gap-2 outline-none lg:bottom-4"
          />
        )}
      </Primitive.Provider>
    </ToastContext>
  );
}

function Icon({ tone }: { tone: Message["tone"] }) {
  const Shape = tone === "done" ? CircleCheck : TriangleAlert;
  return (
    <Shape
      aria-hidden
      className={cn("mt-1 size-4 shrink-0", tone === "done" ? "text-[#8fd0bd]" : "text-[#f2b8a8]")}
    />
  );
}
