/** Pages whose facts depend on the chosen date; the others are about now, and do not offer one. */
const DATED = ["/people", "/org", "/assistant"];

export function isDated(pathname: string): boolean {
  return pathname === "/" || DATED.some((root) => pathname === root || pathname.startsWith(`${root}/`));
}
