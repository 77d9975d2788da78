import { ApiProblem } from "@/api/problem";

/** Finds the message of a field in whatever a mutation failed with. */
export function fieldErrors(error: unknown): (field: string) => string | undefined {
  return (field) => (error instanceof ApiProblem ? error.forField(field) : undefined);
}
