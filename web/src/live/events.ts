export const LIVE_EVENTS = [
  "people.changed",
  "org.changed",
  "import.progress",
  "document.progress",
  "change_order.changed",
  "session.revoked",
  "reset",
] as const;
export type LiveEventKind = (typeof LIVE_EVENTS)[number];

/** First parts of the query keys that an event makes stale. */
export function staleAfter(kind: LiveEventKind): readonly string[] | "everything" {
  switch (kind) {
    case "people.changed":
      return ["people", "person", "org", "home"];
    case "org.changed":
      return ["org", "people", "person", "home"];
    case "import.progress":
      return ["imports"];
    case "document.progress":
      return ["documents"];
    case "change_order.changed":
      return ["orders", "person", "home"];
    case "session.revoked":
      return ["session", "sessions"];
    case "reset":
      return "everything";
  }
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

/** Doubles per failure up to a minute; `chance` (0-1) spreads browsers that lost the server together. */
export function backOffMs(failures: number, chance: number): number {
  const longest = Math.min(FIRST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS);
  return Math.round(longest * (0.5 + chance / 2));
}
