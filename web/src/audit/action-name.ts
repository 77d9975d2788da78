"use client";

import { useTranslations } from "next-intl";
import { useKindName } from "@/orders/kind-name";

/** Actions that the portal has words for, as the API names them. */
export const ACTIONS = [
  "session.signed_in",
  "session.sign_in_failed",
  "session.second_factor_failed",
  "session.ended",
  "person.private_read",
  "person.private_changed",
  "person.names_changed",
  "person.imported",
  "person.changed_by_import",
  "people.exported",
  "people.loaded",
  "change_order.proposed",
  "change_order.approved",
  "change_order.rejected",
  "change_order.cancelled",
  "change_order.applied",
  "import.uploaded",
  "import.rows_read",
  "import.errors_downloaded",
  "import.committed",
  "import.cancelled",
  "document.uploaded",
  "document.version_uploaded",
  "document.read_in",
  "document.text_read",
  "document.downloaded",
  "document.changed",
  "document.deleted",
  "document.proposal_accepted",
  "document.proposal_rejected",
  "document.skill_accepted",
  "document.skill_rejected",
  "document.matched",
  "role_profile.described",
  "role_profile.deleted",
  "role_profile.candidate_accepted",
  "role_profile.candidate_rejected",
  "assistant.asked",
  "assistant.question_shared",
  "assistant.evaluated",
  "assistant.weights_learned",
  "assistant.weights_forgotten",
  "assistant.retention_changed",
  "question_set.made",
  "question_set.changed",
  "question_set.deleted",
  "question_set.filled",
  "question_set.question_changed",
  "question_set.question_deleted",
  "user.created",
  "user.roles_changed",
  "user.disabled",
  "user.enabled",
  "user.totp_reset",
  "user.oidc_linked",
  "account.password_changed",
  "account.totp_enabled",
  "account.totp_disabled",
] as const;
type Action = (typeof ACTIONS)[number];

/** Keys of the catalogue hold no dots: those would be levels. */
type Key<Name extends string> = Name extends `${infer Noun}.${infer Verb}` ? `${Noun}-${Verb}` : never;

/** Orders that took effect, or were reserved, without anybody's approval; the API names each kind. */
const RECORDED = /^change_order\.(\w+)_recorded$/;

/** "session.signed_in" → "サインイン"; an action from a newer API is shown as it is called. */
export function useActionName(): (action: string) => string {
  const t = useTranslations("audit");
  const kindName = useKindName();
  return (action) => {
    const known = ACTIONS.find((one) => one === action);
    if (known) return t(`actions.${known.replace(".", "-") as Key<Action>}`);
    const kind = RECORDED.exec(action)?.[1];
    return kind ? t("recorded", { kind: kindName(kind) }) : action;
  };
}
