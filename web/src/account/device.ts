/** The first that matches wins: Edge and Chrome both call themselves Safari, and Edge calls itself Chrome. */
const BROWSERS = [
  [/Edg(e|A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/Chrome\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
] as const;

const SYSTEMS = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux/, "Linux"],
] as const;

function nameIn(list: readonly (readonly [RegExp, string])[], agent: string): string | undefined {
  return list.find(([pattern]) => pattern.test(agent))?.[1];
}

/** "Chrome · Windows" for a user agent; null when neither is known. Never trusted, only shown. */
export function deviceOf(agent: string): string | null {
  return [nameIn(BROWSERS, agent), nameIn(SYSTEMS, agent)].filter(Boolean).join(" · ") || null;
}

export function isPhone(agent: string): boolean {
  return /iPhone|Android.+Mobile/.test(agent);
}
