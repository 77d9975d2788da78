import { cva, type VariantProps } from "class-variance-authority";
import { LoaderCircle } from "lucide-react";
import { Slot } from "radix-ui";
import type { ComponentProps } from "react";
import { cn } from "./cn";

const button = cva(
  "inline-flex shrink-0 items-center justify-center gap-1.5 rounded-lg text-sm font-medium whitespace-nowrap transition-colors select-none disabled:cursor-not-allowed disabled:opacity-55 [&_svg]:size-4 [&_svg]:shrink-0",
  {
    variants: {
      look: {
        primary: "bg-pine text-on-pine hover:bg-pine-deep",
        secondary: "border border-line bg-surface text-ink hover:border-edge hover:bg-sunken",
        quiet: "text-soft hover:bg-sunken hover:text-ink",
        danger: "bg-danger text-surface hover:brightness-90",
        link: "text-pine underline-offset-4 hover:underline",
      },
      size: {
        small: "h-8 px-2.5 text-[0.8125rem]",
        medium: "h-10 px-4",
        large: "h-11 px-5 text-base",
        icon: "size-9",
      },
    },
    compoundVariants: [{ look: "link", className: "h-auto px-0" }],
    defaultVariants: { look: "secondary", size: "medium" },
  },
);

export interface ButtonProps extends ComponentProps<"button">, VariantProps<typeof button> {
  /** Renders the only child as the button, for links that look like buttons. */
  asChild?: boolean;
  /** Shows that the action is running and refuses a second press. */
  isBusy?: boolean;
}

export function Button({ look, size, asChild, isBusy, className, children, disabled, ...rest }: ButtonProps) {
  const classes = cn(button({ look, size }), className);
  if (asChild) {
    return (
      <Slot.Root className={classes} {...rest}>
        {children}
      </Slot.Root>
    );
  }
  return (
    <button
      type="button"
      className={classes}
      disabled={disabled || isBusy}
      aria-busy={isBusy || undefined}
      {...rest}
    >
      {isBusy && <LoaderCircle aria-hidden className="animate-spin" />}
      {children}
    </button>
  );
}
