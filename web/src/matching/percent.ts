/** Below it the model is not sure of a skill, and the words that moved it a little are no reasons. */
export function isSure(score: number): boolean {
  return score >= 0.5;
}

/** A score (0–1) as people read it. No model is wholly sure, so it never says 100 %, nor 0 % of something. */
export function percentOf(score: number): number {
  if (score <= 0) return 0;
  return Math.min(99, Math.max(1, Math.round(score * 100)));
}
