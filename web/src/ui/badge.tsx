import { cva, type VariantProps } from "class-variance-authority";
import type { ReactNode } from "react";
import { cn } from "./cn";

const badge = cva(
  "inline-flex items-center gap-1 rounded-full px-2 py-0.5 text-xs leading-4 font-medium whitespace-nowrap [&_svg]:size-3",
  {
    variants: {
      tone: {
        neutral: "bg-sunken text-soft",
        today: "bg-pine-tint text-pine-deep",
        past: "bg-past-tint text-past-ink",
        future: "bg-future-tint text-future-ink",
        danger: "bg-danger-tint text-danger",
        outline: "border border-line text-soft",
      },
    },
    defaultVariants: { tone: "neutral" },
  },
);

export type Tone = NonNullable<VariantProps<typeof badge>["tone"]>;

export function Badge({
  tone,
  className,
  children,
}: {
  tone?: Tone;
  className?: string;
  children: ReactNode;
}) {
  return <span className={cn(badge({ tone }), className)}>{children}</span>;
}
