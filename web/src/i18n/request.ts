import { cookies, headers } from "next/headers";
import { getRequestConfig } from "next-intl/server";
import { asLocale, LOCALE_COOKIE, preferredLocale } from "./locales";
import { catalogue } from "@/messages";

/** The language is the reader's (cookie, set from the account), never part of the address. */
export default getRequestConfig(async () => {
  const chosen = asLocale((await cookies()).get(LOCALE_COOKIE)?.value);
  const locale = chosen ?? preferredLocale((await headers()).get("accept-language"));
  return { locale, messages: catalogue(locale), timeZone: "Asia/Tokyo" };
});
