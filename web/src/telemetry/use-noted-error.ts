import { useEffect } from "react";
import { noteError } from "./reporter";

/** For error pages: React caught the error, so the window never hears of it. */
export function useNotedError(error: unknown): void {
  useEffect(() => noteError(error), [error]);
}
