export const LOCALES = ["ja", "en"] as const;
export type Locale = (typeof LOCALES)[number];

/** Readable by scripts on purpose: it holds a language and nothing else. */
export const LOCALE_COOKIE = "hrx_locale";

export function asLocale(text: string | null | undefined): Locale | null {
  return LOCALES.find((known) => known === text) ?? null;
}

/** The first language of an Accept-Language header that the portal speaks; Japanese otherwise. */
export function preferredLocale(acceptLanguage: string | null): Locale {
  const wanted = (acceptLanguage ?? "")
    .split(",")
    .map((part) => {
      const [tag = "", quality] = part.trim().split(";q=");
      return { tag: tag.slice(0, 2).toLowerCase(), weight: quality === undefined ? 1 : Number(quality) };
    })
    .sort((a, b) => b.weight - a.weight);
  return wanted.map(({ tag }) => asLocale(tag)).find((locale) => locale !== null) ?? "ja";
}
