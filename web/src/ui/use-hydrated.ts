import { useSyncExternalStore } from "react";

const neverChanges = () => () => {};

/** False on the server and in the first paint of its markup, true afterwards. */
export function useHydrated(): boolean {
  return useSyncExternalStore(
    neverChanges,
    () => true,
    () => false,
  );
}
