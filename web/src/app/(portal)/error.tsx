"use client";

import { ErrorState } from "@/ui/states";

/** A page broke; the navigation round it still works. */
export default function PortalError({ error, reset }: { error: Error; reset: () => void }) {
  return <ErrorState error={error} onRetry={reset} />;
}
