"use client";

import { Check, ChevronsUpDown, X } from "lucide-react";
import { useTranslations } from "next-intl";
import { Popover } from "radix-ui";
import { useId, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { cn } from "./cn";
import { useFieldProps } from "./field";

export interface Option {
  id: number;
  label: string;
  /** A second line: the path of a unit, the reading of a name. */
  detail?: string | undefined;
}

interface ComboboxProps {
  value: Option | null;
  onChange: (option: Option | null) => void;
  options: readonly Option[];
  /** The text typed so far; the owner filters or asks the server. */
  query: string;
  onQueryChange: (query: string) => void;
  placeholder: string;
  /** Its name where no Field gives it one. */
  label?: string;
  isLoading?: boolean;
  /** May be emptied with the cross. */
  isClearable?: boolean;
  emptyText?: ReactNode;
}

/** A text box that offers choices (ARIA combobox with a list box); the arrow keys never leave the text box. */
export function Combobox(props: ComboboxProps) {
  const {
    value,
    onChange,
    options,
    query,
    onQueryChange,
    placeholder,
    label,
    isLoading,
    isClearable = true,
    emptyText,
  } = props;
  const t = useTranslations("common");
  const fieldProps = useFieldProps();
  const listId = useId();
  const input = useRef<HTMLInputElement>(null);
  const [isOpen, setIsOpen] = useState(false);
  const [active, setActive] = useState(0);

  function choose(option: Option | null) {
    onChange(option);
    onQueryChange("");
    setIsOpen(false);
  }

  function onKeyDown(event: KeyboardEvent) {
    // While an IME composes, Enter confirms the conversion and must not choose.
    if (event.nativeEvent.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setIsOpen(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      setActive((now) => (isOpen && options.length ? (now + step + options.length) % options.length : 0));
    } else if (event.key === "Enter" && isOpen) {
      event.preventDefault();
      const option = options[active];
      if (option) choose(option);
    } else if (event.key === "Escape" && isOpen) {
      // Closes the list only, not the dialog that it stands in.
      event.stopPropagation();
      setIsOpen(false);
      onQueryChange("");
    }
  }

  const activeOption = isOpen ? options[active] : undefined;
  return (
    <Popover.Root open={isOpen} onOpenChange={setIsOpen}>
      <Popover.Anchor asChild>
        <div className="relative">
          <input
            ref={input}
            role="combobox"
            aria-expanded={isOpen}
            aria-controls={listId}
            aria-autocomplete="list"
            aria-activedescendant={activeOption ? `${listId}-${activeOption.id}` : undefined}
            autoComplete="off"
            aria-label={label}
            {...fieldProps}
            className="h-10 w-full rounded-lg border border-edge/70 bg-surface pr-16 pl-3 text-[0.9375rem] placeholder:text-faint hover:border-edge aria-invalid:border-danger"
            placeholder={placeholder}
            value={isOpen ? query : (value?.label ?? "")}
            onChange={(event) => {
              setIsOpen(true);
              setActive(0);
              onQueryChange(event.target.value);
            }}
            onClick={() => setIsOpen(true)}
            onKeyDown={onKeyDown}
            onBlur={() => setIsOpen(false)}
          />
          <div className="absolute inset-y-0 right-1 flex items-center">
            {isClearable && value && (
              <button
                type="button"
                aria-label={t("clear")}
                onClick={() => choose(null)}
                className="grid size-8 place-items-center rounded text-faint hover:text-ink"
              >
                <X aria-hidden className="size-4" />
              </button>
            )}
            <ChevronsUpDown aria-hidden className="pointer-events-none mr-2 size-4 text-faint" />
          </div>
        </div>
      </Popover.Anchor>
      <Popover.Content
        // The list box inside is what assistive technology needs to know; this is only its frame.
        role="presentation"
        align="start"
        sideOffset={4}
        collisionPadding={8}
        onOpenAutoFocus={(event) => event.preventDefault()}
        onCloseAutoFocus={(event) => event.preventDefault()}
        onInteractOutside={(event) => {
          if (event.target instanceof Node && input.current?.contains(event.target)) event.preventDefault();
        }}
        // The list must not take the focus from the text box before the click counts.
        onMouseDown={(event) => event.preventDefault()}
        className="z-[60] max-h-72 w-(--radix-popover-trigger-width) animate-rise overflow-y-auto rounded-xl border border-line bg-surface p-1.5 shadow-float"
      >
        <ul id={listId} role="listbox" aria-label={placeholder}>
          {options.map((option, index) => (
            <OptionRow
              key={option.id}
              id={`${listId}-${option.id}`}
              option={option}
              isActive={index === active}
              isSelected={option.id === value?.id}
              onChoose={() => choose(option)}
              onHover={() => setActive(index)}
            />
          ))}
        </ul>
        {options.length === 0 && (
          <p role="status" className="px-2.5 py-3 text-sm text-faint">
            {isLoading ? t("loading") : (emptyText ?? t("noMatch"))}
          </p>
        )}
      </Popover.Content>
    </Popover.Root>
  );
}

interface OptionRowProps {
  id: string;
  option: Option;
  isActive: boolean;
  isSelected: boolean;
  onChoose: () => void;
  onHover: () => void;
}

function OptionRow({ id, option, isActive, isSelected, onChoose, onHover }: OptionRowProps) {
  return (
    <li
      id={id}
      role="option"
      aria-selected={isSelected}
      ref={(row) => {
        if (isActive) row?.scrollIntoView({ block: "nearest" });
      }}
      onClick={onChoose}
      onMouseMove={onHover}
      className={cn(
        "flex cursor-pointer items-center gap-2 rounded-lg px-2.5 py-1.5 text-sm",
        isActive && "bg-sunken",
      )}
    >
      <span className="min-w-0 flex-1">
        <span className="block truncate">{option.label}</span>
        {option.detail && <span className="block truncate text-xs text-faint">{option.detail}</span>}
      </span>
      {isSelected && <Check aria-hidden className="size-4 shrink-0 text-pine" />}
    </li>
  );
}
