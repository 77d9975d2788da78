"use client";

import { useNotedError } from "@/telemetry/use-noted-error";
import { ErrorState } from "@/ui/states";

/** A page broke while it was drawn; the shell round it may be gone, so this stands alone. */
export default function ErrorPage({ error, reset }: { error: Error; reset: () => void }) {
  useNotedError(error);
  return (
    <main className="grid min-h-dvh place-items-center">
      <ErrorState error={error} onRetry={reset} />
    </main>
  );
}
