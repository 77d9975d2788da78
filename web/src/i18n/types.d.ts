import type { Locale } from "./locales";
import type { Messages } from "@/messages";

/** Makes an unknown message key, or a missing argument, a compile error. */
declare module "next-intl" {
  interface AppConfig {
    Locale: Locale;
    Messages: Messages;
  }
}
