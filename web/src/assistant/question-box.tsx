"use client";

import { CalendarDays, SendHorizontal, Square } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useId, useRef, useState, type FormEvent, type KeyboardEvent } from "react";
import { isDay } from "@/time/days";
import { longDay } from "@/time/format";
import { useAsOf } from "@/time/use-as-of";
import { Button } from "@/ui/button";
import { cn } from "@/ui/cn";

const LONGEST = 2_000;

interface QuestionBoxProps {
  isFirst: boolean;
  isRunning: boolean;
  onAsk: (question: string) => void;
  onStop: () => void;
}

/** One question at a time; while its answer comes, the button stops it. */
export function QuestionBox({ isFirst, isRunning, onAsk, onStop }: QuestionBoxProps) {
  const t = useTranslations("assistant");
  const id = useId();
  const box = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState("");
  const question = text.trim();

  function submit(event?: FormEvent) {
    event?.preventDefault();
    if (!question || isRunning) return;
    setText("");
    onAsk(question);
    // On a phone the keyboard would cover the answer.
    if (matchMedia("(pointer: fine)").matches) box.current?.focus();
    else box.current?.blur();
  }

  function onKeyDown(event: KeyboardEvent) {
    // While an IME composes, Enter confirms the conversion and must not send.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    submit();
  }

  return (
    <form
      onSubmit={submit}
      className="sticky bottom-16 z-10 rounded-2xl border border-edge/60 bg-surface p-2 shadow-float focus-within:border-pine lg:bottom-4"
    >
      <label htmlFor={id} className="sr-only">
        {t("question")}
      </label>
      <textarea
        ref={box}
        id={id}
        rows={1}
        maxLength={LONGEST}
        enterKeyHint="send"
        aria-describedby={`${id}-keys`}
        placeholder={isFirst ? t("placeholder") : t("placeholderNext")}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
        className="block field-sizing-content max-h-40 min-h-10 w-full lg:min-h-12 resize-none bg-transparent px-3 pt-2 text-[0.9375rem] leading-relaxed outline-none placeholder:text-faint"
      />
      <div className="flex items-center gap-2 pl-1">
        <DayChoice />
        <span id={`${id}-keys`} className="ml-auto text-xs text-faint max-sm:sr-only">
          {t("keys")}
        </span>
        {isRunning ? (
          <Button onClick={onStop} className="max-sm:ml-auto">
            <Square aria-hidden className="fill-current" />
            {t("stop")}
          </Button>
        ) : (
          <Button type="submit" look="primary" disabled={!question} className="max-sm:ml-auto">
            <SendHorizontal aria-hidden />
            {t("ask")}
          </Button>
        )}
      </div>
    </form>
  );
}

/** The day whose rules and people are asked about: the portal's own date, so that links lead to the same day. */
function DayChoice() {
  const t = useTranslations("assistant");
  const locale = useLocale();
  const id = useId();
  const { day, today, tense, set } = useAsOf();
  const says = tense === "today" ? t("onToday") : t("onDay", { date: longDay(day, locale) });
  return (
    <span className="relative">
      <label
        htmlFor={id}
        className={cn(
          "flex h-9 items-center gap-1.5 rounded-lg px-2.5 text-[0.8125rem]",
          "focus-within:outline-2 focus-within:outline-pine",
          tense === "today" && "text-soft hover:bg-sunken",
          tense === "past" && "bg-past-tint text-past-ink",
          tense === "future" && "bg-future-tint text-future-ink",
        )}
      >
        <CalendarDays aria-hidden className="size-4 shrink-0" />
        <span aria-hidden>{says}</span>
        <input
          id={id}
          type="date"
          aria-label={t("on")}
          min="1900-01-01"
          max="2199-12-31"
          value={day}
          onClick={(event) => event.currentTarget.showPicker?.()}
          onChange={(event) => {
            const chosen = event.target.value;
            if (isDay(chosen)) set({ on: chosen === today ? null : chosen });
          }}
          className="absolute inset-0 cursor-pointer opacity-0"
        />
      </label>
    </span>
  );
}
