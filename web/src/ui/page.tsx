import type { ReactNode } from "react";
import { cn } from "./cn";

interface PageHeadProps {
  title: ReactNode;
  /** One sentence under the title. */
  lead?: ReactNode;
  actions?: ReactNode;
}

export function PageHead({ title, lead, actions }: PageHeadProps) {
  return (
    <header className="mb-5 flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
      <div className="min-w-0">
        <h1 className="font-serif text-[1.625rem] leading-tight font-semibold tracking-wide">{title}</h1>
        {lead && <p className="mt-1 text-sm text-soft">{lead}</p>}
      </div>
      {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </header>
  );
}

interface SectionProps {
  title: ReactNode;
  aside?: ReactNode;
  className?: string;
  bodyClassName?: string;
  children: ReactNode;
}

/** A card with a heading of its own. */
export function Section({ title, aside, className, bodyClassName, children }: SectionProps) {
  return (
    <section className={cn("card min-w-0", className)}>
      <div className="flex flex-wrap items-center justify-between gap-3 border-b border-line px-4 py-3 sm:px-5">
        <h2 className="font-serif text-base font-semibold">{title}</h2>
        {aside}
      </div>
      <div className={cn("px-4 py-4 sm:px-5", bodyClassName)}>{children}</div>
    </section>
  );
}

/** Label and value pairs that read well in one column or two. */
export function Facts({ children, className }: { children: ReactNode; className?: string }) {
  return <dl className={cn("grid gap-x-6 gap-y-3 sm:grid-cols-2", className)}>{children}</dl>;
}

export function Fact({
  label,
  children,
  className,
}: {
  label: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  return (
    <div className={cn("min-w-0", className)}>
      <dt className="text-xs text-faint">{label}</dt>
      <dd className="mt-0.5 text-[0.9375rem] break-words">{children}</dd>
    </div>
  );
}
