/** How far a long job is; the browser's own element, so that its width needs no inline style. */
export function ProgressBar({ value, total, label }: { value: number; total: number; label: string }) {
  return (
    <progress
      aria-label={label}
      value={total > 0 ? value : undefined}
      max={total || 1}
      className="h-2.5 w-full appearance-none overflow-hidden rounded-full bg-sunken [&::-moz-progress-bar]:bg-pine [&::-webkit-progress-bar]:bg-sunken [&::-webkit-progress-value]:rounded-full [&::-webkit-progress-value]:bg-pine [&::-webkit-progress-value]:transition-[inline-size]"
    />
  );
}
