import type { paths } from "@/api/schema";

export const ADDRESS = "/api/v1/telemetry/web" satisfies keyof paths;

export type Beacon = paths[typeof ADDRESS]["post"]["requestBody"]["content"]["application/json"];
export type BeaconEvent = Beacon["events"][number];

/** What the API takes in one report. */
export const EVENTS_AT_MOST = 40;

/** A broken page may fail at each tick of a timer; the first ones say all that there is to know. */
export const ERRORS_AT_MOST = 20;

/** Twenty messages of this length fit into one report however many bytes their characters take. */
export const MESSAGE_AT_MOST = 300;

/** Long enough that a page view and its first measures travel together. */
export const WAIT_MS = 5_000;

export interface Surroundings {
  readonly device: () => Beacon["device"];
  /** Hands a report over to the browser; false when it did not take it. */
  readonly send: (report: string) => boolean;
  /** True when the page may be gone in a moment and nothing may wait. */
  readonly isLeaving: () => boolean;
  readonly later: (work: () => void, milliseconds: number) => unknown;
}

/** Collects events and sends them together. Nothing here may throw: it runs inside other people's handlers. */
export class BeaconQueue {
  readonly #around: Surroundings;
  #waiting: BeaconEvent[] = [];
  #isPlanned = false;
  #errors = 0;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  add(event: BeaconEvent): void {
    if (event.kind === "error" && ++this.#errors > ERRORS_AT_MOST) return;
    this.#waiting.push(event);
    if (this.#waiting.length >= EVENTS_AT_MOST) this.flush();
    else this.#plan();
  }

  /** Send what waits, now. What the browser does not take is lost: no figure is worth a second try. */
  flush(): void {
    const events = this.#waiting;
    this.#waiting = [];
    if (events.length === 0) return;
    try {
      this.#around.send(JSON.stringify({ device: this.#around.device(), events } satisfies Beacon));
    } catch {
      // A page works without its figures.
    }
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    const work = () => {
      this.#isPlanned = false;
      this.flush();
    };
    try {
      // Measures become final in the same moment as the page is hidden: one turn later all of them are here.
      if (this.#around.isLeaving()) queueMicrotask(work);
      else this.#around.later(work, WAIT_MS);
    } catch {
      work();
    }
  }
}
