import { lastCorrelationId } from "@/api/correlation";
import { ApiProblem } from "@/api/problem";
import { MESSAGE_AT_MOST, type BeaconEvent } from "./beacon";

/** One failure as the API counts it. Its message is masked there, where the log is written. */
export function errorEvent(error: unknown, route: string): BeaconEvent {
  const isError =
    error instanceof Error || (typeof DOMException !== "undefined" && error instanceof DOMException);
  return {
    kind: "error",
    route,
    error_type: (isError ? error.name : "other").slice(0, 100),
    message: (isError ? error.message : typeof error === "string" ? error : "").slice(0, MESSAGE_AT_MOST),
    correlation_id: error instanceof ApiProblem ? error.correlationId : lastCorrelationId(),
  };
}
