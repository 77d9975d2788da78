/** The number in an address; null for what no row can have, so that nothing is asked for it. */
export function idOf(text: string): number | null {
  return /^[1-9]\d{0,15}$/.test(text) ? Number(text) : null;
}
