/** Where to go after sign-in: only inside this portal, so a crafted link cannot send people elsewhere. */
export function safeReturnTo(wanted: string | null): string {
  if (!wanted || !wanted.startsWith("/") || wanted.startsWith("//") || wanted.includes("\\")) return "/";
  const resolved = new URL(wanted, "http://portal.invalid");
  if (resolved.origin !== "http://portal.invalid" || resolved.pathname.startsWith("/sign-in")) return "/";
  return resolved.pathname + resolved.search + resolved.hash;
}
