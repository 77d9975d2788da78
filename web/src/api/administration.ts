import { keepPreviousData, useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "./client";
import type { RoleName, UserToCreate } from "./types";

export function useUsers(q: string) {
  return useInfiniteQuery({
    queryKey: ["users", q],
    queryFn: ({ signal, pageParam }) =>
      body(
        api.GET("/api/v1/users", {
          signal,
          params: { query: { ...(q && { q }), ...(pageParam && { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
}

function useUserChange<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    onSuccess: () => client.invalidateQueries({ queryKey: ["users"] }),
  });
}

export function useCreateUser() {
  return useUserChange((user: UserToCreate) => body(api.POST("/api/v1/users", { body: user })));
}

export function useSetRoles() {
  return useUserChange(({ id, roles }: { id: number; roles: RoleName[] }) =>
    body(api.PUT("/api/v1/users/{user_id}/roles", { params: { path: { user_id: id } }, body: { roles } })),
  );
}

export function useSetActive() {
  return useUserChange(({ id, isActive }: { id: number; isActive: boolean }) => {
    const path = { params: { path: { user_id: id } } };
    return isActive
      ? body(api.POST("/api/v1/users/{user_id}/enable", path))
      : body(api.POST("/api/v1/users/{user_id}/disable", path));
  });
}

export function useResetTotp() {
  return useUserChange((id: number) =>
    body(api.POST("/api/v1/users/{user_id}/reset-totp", { params: { path: { user_id: id } } })),
  );
}

export interface AuditFilters {
  actor?: number;
  action?: string;
  subject_person_id?: number;
  from?: string;
  to?: string;
}

export function useAudit(filters: AuditFilters) {
  return useInfiniteQuery({
    queryKey: ["audit", filters],
    queryFn: ({ signal, pageParam }) =>
      body(
        api.GET("/api/v1/audit", {
          signal,
          params: { query: { ...filters, limit: 100, ...(pageParam && { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
}

/** Walks the whole chain of entries; may take seconds on a long log. */
export function useVerifyAudit() {
  return useMutation({ mutationFn: () => body(api.GET("/api/v1/audit/verify")) });
}
