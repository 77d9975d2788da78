import type { Session } from "@/api/types";

export interface DocumentRights {
  /** Brings in and changes any document: HR. */
  readonly mayManage: boolean;
  /** Brings in their own résumé: everybody with a record of their own. */
  readonly ownPersonId: number | null;
}

/** The API decides; this only spares people doors that are closed to them. */
export function documentRights(session: Session): DocumentRights {
  return { mayManage: session.may.import ?? false, ownPersonId: session.person_id };
}
