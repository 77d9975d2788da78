"use client";

import { ChevronDown } from "lucide-react";
import { cn } from "./cn";

interface RowToggleProps {
  isOpen: boolean;
  onToggle: () => void;
  /** The id of what it opens. */
  controls: string;
  label: string;
}

/** The arrow at the end of a row that opens to its details. */
export function RowToggle({ isOpen, onToggle, controls, label }: RowToggleProps) {
  return (
    <button
      type="button"
      aria-expanded={isOpen}
      aria-controls={controls}
      onClick={onToggle}
      className="grid size-9 shrink-0 place-items-center rounded-lg text-soft hover:bg-sunken max-sm:ml-auto"
    >
      <ChevronDown aria-hidden className={cn("size-4 transition-transform", isOpen && "rotate-180")} />
      <span className="sr-only">{label}</span>
    </button>
  );
}
