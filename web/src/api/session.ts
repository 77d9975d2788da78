import { queryOptions, useMutation, useQuery, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import type { Locale } from "@/i18n/locales";
import { api, body, rememberCaller } from "./client";
import { ApiProblem } from "./problem";
import type { Session } from "./types";

/** Who is signed in; null when nobody is. Also hands the CSRF token to the client. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      const session = await body(api.GET("/api/v1/session", { signal }));
      rememberCaller({ csrfToken: session.csrf_token ?? "" });
      return session;
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: 5 * 60_000,
});

/** The session of a page behind the gate, where there always is one. */
export function useSession(): Session {
  const { data } = useSuspenseQuery(sessionQuery);
  if (!data) throw new Error("A page of the portal was shown without a session.");
  return data;
}

export function useSignIn() {
  return useMutation({
    mutationFn: (credentials: { email: string; password: string }) =>
      body(api.POST("/api/v1/auth/login", { body: credentials })),
  });
}

export function useTotp() {
  return useMutation({
    mutationFn: (code: string) => body(api.POST("/api/v1/auth/totp", { body: { code } })),
  });
}

export function useProviders() {
  return useQuery({
    queryKey: ["providers"],
    queryFn: ({ signal }) => body(api.GET("/api/v1/auth/providers", { signal })),
    staleTime: 60_000,
  });
}

export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => body(api.POST("/api/v1/auth/logout")),
    // Signed out or not, this browser must forget what it has seen.
    onSettled: () => {
      // Nobody first: what is on the screen then goes before it can ask for anything again.
      client.setQueryData(sessionQuery.queryKey, null);
      client.removeQueries({ predicate: (query) => query.queryKey[0] !== sessionQuery.queryKey[0] });
      // A new page, not a route change: nothing in memory survives it.
      location.replace("/sign-in");
    },
  });
}

export function useSaveLocale() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (locale: Locale) => body(api.POST("/api/v1/account/locale", { body: { locale } })),
    // Names, errors and summaries come from the API in the reader's language: all of it is stale now.
    onSuccess: () => client.invalidateQueries(),
  });
}
