import type { Locale } from "@/i18n/locales";
import * as en from "./en";
import * as ja from "./ja";

/**
 * Japanese is the language that the catalogue is written in. Its texts are literal types, so an unknown key or
 * a forgotten argument does not compile; messages.test.ts holds the other language to the same keys.
 */
export type Messages = typeof ja;

export function catalogue(locale: Locale): Messages {
  return locale === "ja" ? ja : (en as unknown as Messages);
}
