import { useRef } from "react";

/**
 * Gives the focus back to what opened a dialog. Radix does so for its own triggers only; without one, whoever
 * works by keyboard would start again at the top of the page.
 */
export function useOpener() {
  const opener = useRef<HTMLElement | null>(null);
  return {
    onOpenAutoFocus: () => {
      opener.current = findOpener();
    },
    onCloseAutoFocus: (event: Event) => {
      event.preventDefault();
      opener.current?.focus();
    },
  };
}

/** What has the focus now; an item of a menu is gone by then, so its menu's button stands in for it. */
function findOpener(): HTMLElement | null {
  const active = document.activeElement;
  const trigger = active?.closest("[role=menu]")?.getAttribute("aria-labelledby");
  if (trigger) return document.getElementById(trigger);
  return active instanceof HTMLElement ? active : null;
}
