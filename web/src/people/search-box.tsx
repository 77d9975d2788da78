"use client";

import { Search, X } from "lucide-react";
import { useTranslations } from "next-intl";
import { useEffect, useRef, useState } from "react";

interface SearchBoxProps {
  value: string;
  onSearch: (q: string) => void;
  label: string;
}

const PAUSE_MS = 250;

/** Searches when typing pauses; an IME's half-typed conversion never counts. "/" jumps here from anywhere. */
export function SearchBox({ value, onSearch, label }: SearchBoxProps) {
  const t = useTranslations("common");
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(value);
  const [isComposing, setIsComposing] = useState(false);
  const [seen, setSeen] = useState(value);
  if (seen !== value) {
    // The address changed without this box: back button, a link, "clear all".
    setSeen(value);
    if (text.trim() !== value) setText(value);
  }

  useEffect(() => {
    if (isComposing || text.trim() === value) return;
    const timer = setTimeout(() => onSearch(text.trim()), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, isComposing, value, onSearch]);

  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      const isTyping = event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
      if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.current?.focus();
    }
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);

  return (
    <div role="search" className="relative">
      <Search aria-hidden className="pointer-events-none absolute top-3 left-3 size-4 text-faint" />
      <input
        ref={input}
        type="text"
        inputMode="search"
        enterKeyHint="search"
        autoComplete="off"
        spellCheck={false}
        aria-label={label}
        placeholder={label}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onCompositionStart={() => setIsComposing(true)}
        onCompositionEnd={() => setIsComposing(false)}
        className="h-10 w-full rounded-lg border border-edge/70 bg-surface pr-9 pl-9 text-[0.9375rem] placeholder:text-faint hover:border-edge"
      />
      {text && (
        <button
          type="button"
          aria-label={t("clearSearch")}
          onClick={() => {
            setText("");
            onSearch("");
            input.current?.focus();
          }}
          className="absolute top-1 right-1 grid size-8 place-items-center rounded text-faint hover:text-ink"
        >
          <X aria-hidden className="size-4" />
        </button>
      )}
    </div>
  );
}
