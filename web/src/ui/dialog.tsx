"use client";

import { X } from "lucide-react";
import { useTranslations } from "next-intl";
import { Dialog as Primitive } from "radix-ui";
import type { ReactNode } from "react";
import { cn } from "./cn";
import { useOpener } from "./use-opener";

interface DialogProps {
  isOpen: boolean;
  onOpenChange: (isOpen: boolean) => void;
  title: ReactNode;
  description?: ReactNode;
  /** "wide" for forms with a preview beside them. */
  width?: "narrow" | "medium" | "wide";
  children: ReactNode;
}

const WIDTHS = { narrow: "sm:max-w-md", medium: "sm:max-w-xl", wide: "sm:max-w-4xl" };

/** A modal that fills the screen on a phone and floats above the page elsewhere. */
export function Dialog({
  isOpen,
  onOpenChange,
  title,
  description,
  width = "medium",
  children,
}: DialogProps) {
  const t = useTranslations("common");
  const opener = useOpener();
  return (
    <Primitive.Root open={isOpen} onOpenChange={onOpenChange}>
      <Primitive.Portal>
        <Primitive.Overlay className="fixed inset-0 z-40 animate-fade bg-night/45 backdrop-blur-[2px]" />
        <Primitive.Content
          {...(description ? {} : { "aria-describedby": undefined })}
          {...opener}
          className={cn(
            "fixed inset-x-0 bottom-0 z-50 flex max-h-[94dvh] w-full animate-rise flex-col rounded-t-2xl bg-surface shadow-float outline-none",
            "sm:inset-0 sm:m-auto sm:h-fit sm:max-h-[88dvh] sm:w-[calc(100%-3rem)] sm:rounded-2xl",
            WIDTHS[width],
          )}
        >
          <header className="flex items-start gap-4 border-b border-line px-5 py-4 sm:px-6">
            <div className="min-w-0 flex-1">
              <Primitive.Title className="font-serif text-lg leading-snug font-semibold">
                {title}
              </Primitive.Title>
              {description && (
                <Primitive.Description className="mt-0.5 text-[0.8125rem] text-soft">
                  {description}
                </Primitive.Description>
              )}
            </div>
            <Primitive.Close
              aria-label={t("close")}
              className="-mt-1 -mr-2 grid size-9 place-items-center rounded-lg text-soft hover:bg-sunken"
            >
              <X aria-hidden className="size-5" />
            </Primitive.Close>
          </header>
          <div className="min-h-0 flex-1 overflow-y-auto">{children}</div>
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}

export function DialogBody({ className, children }: { className?: string; children: ReactNode }) {
  return <div className={cn("px-5 py-5 sm:px-6", className)}>{children}</div>;
}

export function DialogFooter({ children }: { children: ReactNode }) {
  return (
    <footer className="sticky bottom-0 flex flex-wrap items-center justify-end gap-2 border-t border-line bg-surface px-5 py-3 sm:rounded-b-2xl sm:px-6">
      {children}
    </footer>
  );
}

/** A panel from the right edge: the phone's menu. */
export function Drawer({
  isOpen,
  onOpenChange,
  title,
  children,
}: Omit<DialogProps, "description" | "width">) {
  const t = useTranslations("common");
  const opener = useOpener();
  return (
    <Primitive.Root open={isOpen} onOpenChange={onOpenChange}>
      <Primitive.Portal>
        <Primitive.Overlay className="fixed inset-0 z-40 animate-fade bg-night/45" />
        <Primitive.Content
          aria-describedby={undefined}
          {...opener}
          className="fixed inset-y-0 right-0 z-50 flex w-[min(20rem,86vw)] animate-slide flex-col overflow-y-auto bg-surface shadow-float outline-none"
        >
          <header className="flex items-center justify-between border-b border-line px-5 py-3">
            <Primitive.Title className="font-serif font-semibold">{title}</Primitive.Title>
            <Primitive.Close
              aria-label={t("close")}
              className="-mr-2 grid size-10 place-items-center rounded-lg text-soft"
            >
              <X aria-hidden className="size-5" />
            </Primitive.Close>
          </header>
          {children}
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}
