"use client";

import { useNotedError } from "@/telemetry/use-noted-error";
import { ErrorState } from "@/ui/states";

/** A page broke; the navigation round it still works. */
export default function PortalError({ error, reset }: { error: Error; reset: () => void }) {
  useNotedError(error);
  return <ErrorState error={error} onRetry={reset} />;
}
