import type { Citation } from "@/api/types";
import { addDays } from "@/time/days";

/** A citation says when its version is no more in force; documents say until which day it is. */
export function daysOf({ effective_from, effective_to }: Citation) {
  return { effective_from, effective_to: effective_to && addDays(effective_to, -1) };
}
