import { useEffect, useState } from "react";

/** Whole seconds left of `seconds`; starts again whenever `cause` changes. */
export function useCountdown(seconds: number, cause: unknown): number {
  const [started, setStarted] = useState<{ cause: unknown; left: number }>({ cause: null, left: 0 });
  if (started.cause !== cause) setStarted({ cause, left: seconds });

  const isRunning = started.left > 0;
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => setStarted((now) => ({ ...now, left: now.left - 1 })), 1000);
    return () => clearInterval(timer);
  }, [isRunning, cause]);
  return started.left;
}
