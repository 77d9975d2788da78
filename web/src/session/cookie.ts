/** The API's session cookie. Only whether it is there is ever asked: scripts cannot read it, and need not. */
export const SESSION_COOKIE = "hrx_session";
