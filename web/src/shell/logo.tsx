import { cn } from "@/ui/cn";

/**
 * Growth rings cut by the present: each ring a year of the company, the open side where the next one grows.
 * Drawn by hand for HRX-AI; three arcs round a heart that is a little off centre, as in a real trunk.
 */
export function RingMark({ className }: { className?: string }) {
  return (
    <svg
      aria-hidden
      viewBox="0 0 32 32"
      fill="none"
      strokeLinecap="round"
      className={cn("size-8", className)}
    >
      <circle cx="15" cy="17" r="2.4" fill="currentColor" />
      <path d="M18.9 12.7a6 6 0 1 1-5.2-1.5" stroke="currentColor" strokeWidth="2.2" />
      <path d="M24.6 13.2a10.2 10.2 0 1 1-9.4-6.3" stroke="currentColor" strokeWidth="2.2" />
      <path d="M29 11.2A14 14 0 0 1 20.6 29.4" stroke="currentColor" strokeWidth="2.2" opacity=".55" />
      <path d="M20.2 6.2 25 2.6" stroke="#d9a13b" strokeWidth="2.6" />
    </svg>
  );
}

export function Wordmark({ className }: { className?: string }) {
  return (
    <span className={cn("flex items-center gap-2.5", className)}>
      <RingMark />
      <span aria-hidden className="font-serif text-lg leading-none font-bold tracking-[0.12em]">
        HRX<span className="ml-1 text-[0.7em] font-semibold tracking-[0.16em] opacity-90">AI</span>
      </span>
    </span>
  );
}
