import { onCLS, onFCP, onINP, onLCP, onTTFB, type Metric } from "web-vitals";
import { ADDRESS, BeaconQueue, type Beacon, type BeaconEvent } from "./beacon";
import { errorEvent } from "./errors";
import { routeOf } from "./route";

type VitalName = Extract<BeaconEvent, { kind: "vital" }>["name"];

/** One for the page, from its first script to its end. */
let queue: BeaconQueue | null = null;

/**
 * What is sent: templates of pages ("/people/[id]", never the address itself), durations, types and messages
 * of script errors, and whether the device is a phone or a desk. No name, id, address or browser is sent and
 * nothing is stored in the browser, so nobody can be followed with it; the choice "do not track" is about
 * being followed and changes nothing here.
 */
export function startReporting(): void {
  if (queue !== null) return;
  const made = new BeaconQueue({
    device,
    send,
    isLeaving: () => document.visibilityState === "hidden",
    later: (work, milliseconds) => setTimeout(work, milliseconds),
  });
  queue = made;
  try {
    measureVitals(made);
    addEventListener("error", (event) => {
      // Without an error it is a script of another origin (an extension) or a picture that did not load.
      if (event.error != null) noteError(event.error);
    });
    addEventListener("unhandledrejection", (event) => noteError(event.reason));
    // After the measures' own listeners, which finish their values at these moments.
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") queueMicrotask(() => made.flush());
    });
    addEventListener("pagehide", () => made.flush());
  } catch {
    // An old browser without some observer still shows its pages.
  }
}

/** A page was shown, at first or by a link inside the portal. */
export function noteView(pathname: string): void {
  queue?.add({ kind: "view", route: routeOf(pathname) });
}

/** Something failed that no window event tells of, such as a page that React replaced by an error page. */
export function noteError(error: unknown): void {
  try {
    // Whoever left a page took its requests back: nothing failed.
    if (error instanceof DOMException && error.name === "AbortError") return;
    queue?.add(errorEvent(error, routeOf(location.pathname)));
  } catch {
    // An error whose own properties throw is not worth a second one.
  }
}

/** All measures belong to the page that was loaded; links inside the portal load no further one. */
function measureVitals(made: BeaconQueue): void {
  const route = routeOf(location.pathname);
  const note = (name: VitalName, value: number) => {
    if (Number.isFinite(value) && value >= 0) made.add({ kind: "vital", route, name, value });
  };
  const report = (metric: Metric) => note(metric.name, metric.value);
  for (const observe of [onTTFB, onFCP, onLCP, onCLS, onINP]) observe(report);
  observeFirstInput((delay) => note("FID", delay));
}

/** First input delay was dropped from the library with its version 5; the runbook still has a line for it. */
function observeFirstInput(note: (delay: number) => void): void {
  if (!PerformanceObserver.supportedEntryTypes.includes("first-input")) return;
  const observer = new PerformanceObserver((list) => {
    const [first] = list.getEntries() as PerformanceEventTiming[];
    if (first === undefined) return;
    observer.disconnect();
    note(first.processingStart - first.startTime);
  });
  observer.observe({ type: "first-input", buffered: true });
}

function device(): Beacon["device"] {
  return matchMedia("(pointer: coarse)").matches ? "mobile" : "desktop";
}

function send(report: string): boolean {
  const body = new Blob([report], { type: "application/json" });
  if (navigator.sendBeacon?.(ADDRESS, body)) return true;
  // Where a blocker refuses beacons, or their common allowance of 64 KB is used up.
  void fetch(ADDRESS, { method: "POST", body, keepalive: true }).catch(() => undefined);
  return true;
}
