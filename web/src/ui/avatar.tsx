import { hueOf, initials } from "@/people/name";
import { cn } from "./cn";

/** A coloured circle with the family name's first character; decoration beside a written name. */
export function Avatar({ id, name, className }: { id: number; name: string; className?: string }) {
  // Hues fall in twelve classes because a strict policy forbids inline styles in served markup.
  const hue = HUES[Math.floor(hueOf(id) / 30)] ?? HUES[0];
  return (
    <span
      aria-hidden
      className={cn(
        "grid size-9 shrink-0 place-items-center rounded-full font-serif text-sm font-semibold select-none",
        hue,
        className,
      )}
    >
      {initials(name)}
    </span>
  );
}

const HUES = [
  "bg-[oklch(0.9_0.045_20)] text-[oklch(0.38_0.08_20)]",
  "bg-[oklch(0.9_0.045_50)] text-[oklch(0.38_0.08_50)]",
  "bg-[oklch(0.91_0.05_80)] text-[oklch(0.38_0.08_80)]",
  "bg-[oklch(0.91_0.05_105)] text-[oklch(0.38_0.08_105)]",
  "bg-[oklch(0.9_0.045_130)] text-[oklch(0.36_0.08_130)]",
  "bg-[oklch(0.9_0.04_155)] text-[oklch(0.36_0.07_155)]",
  "bg-[oklch(0.9_0.035_180)] text-[oklch(0.36_0.06_180)]",
  "bg-[oklch(0.9_0.035_205)] text-[oklch(0.36_0.06_205)]",
  "bg-[oklch(0.9_0.04_235)] text-[oklch(0.37_0.08_235)]",
  "bg-[oklch(0.9_0.04_265)] text-[oklch(0.38_0.09_265)]",
  "bg-[oklch(0.9_0.04_300)] text-[oklch(0.38_0.09_300)]",
  "bg-[oklch(0.9_0.045_340)] text-[oklch(0.38_0.09_340)]",
];
