import type { Locale } from "@/i18n/locales";

/** How the API names a person: the same person in three scripts. */
export interface PersonName {
  readonly display: string;
  readonly kanji: string;
  readonly kana: string;
  readonly latin?: string | null;
}

/** Japanese readers see family name first in kanji, others given name first in Latin letters. */
export function primaryName(name: PersonName, locale: Locale): string {
  return locale === "ja" ? name.kanji || name.display : name.latin || name.display || name.kanji;
}

/** The reading that helps beside the primary name: kana for Japanese readers, kanji for the others. */
export function secondaryName(name: PersonName, locale: Locale): string {
  if (locale === "ja") return name.kana;
  return name.latin ? name.kanji : name.kana;
}

/** One or two characters for an avatar: the family name's first character, or Latin initials. */
export function initials(name: string): string {
  const words = name
    .trim()
    .split(/[\s　]+/u)
    .filter(Boolean);
  const first = Array.from(words[0] ?? "")[0] ?? "?";
  if (!/^[A-Za-zÀ-ɏ]/u.test(first)) return first;
  const last = words.length > 1 ? (Array.from(words.at(-1) ?? "")[0] ?? "") : "";
  return (first + last).toUpperCase();
}

/** A hue that stays with the person across pages, so the eye finds them again. */
export function hueOf(id: number): number {
  return (id * 47) % 360;
}
