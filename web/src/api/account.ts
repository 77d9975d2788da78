import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, body } from "./client";
import { sessionQuery } from "./session";

export function useOpenSessions() {
  return useQuery({
    queryKey: ["sessions"],
    queryFn: async ({ signal }) => (await body(api.GET("/api/v1/sessions", { signal }))).items,
  });
}

export function useEndSession() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: number) =>
      body(api.DELETE("/api/v1/sessions/{session_id}", { params: { path: { session_id: id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["sessions"] }),
  });
}

export function useEndOtherSessions() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => body(api.POST("/api/v1/sessions/revoke-others")),
    onSuccess: () => client.invalidateQueries({ queryKey: ["sessions"] }),
  });
}

export function useChangePassword() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (change: { current_password: string; new_password: string }) =>
      body(api.POST("/api/v1/account/password", { body: change })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["sessions"] }),
  });
}

export function useStartTotp() {
  return useMutation({ mutationFn: () => body(api.POST("/api/v1/account/totp/start")) });
}

export function useConfirmTotp() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (code: string) => body(api.POST("/api/v1/account/totp/confirm", { body: { code } })),
    onSuccess: () => client.invalidateQueries(sessionQuery),
  });
}

export function useDisableTotp() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (password: string) => body(api.POST("/api/v1/account/totp/disable", { body: { password } })),
    onSuccess: () => client.invalidateQueries(sessionQuery),
  });
}
