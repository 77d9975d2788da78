import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, body } from "./client";
import type { RoleDescription } from "./types";

/** What a model says of a text does not change while somebody looks at it; who looked is on record. */
const STAYS_MS = 5 * 60_000;

export function useRoleProfiles() {
  return useInfiniteQuery({
    queryKey: ["matching", "roles"],
    queryFn: ({ signal, pageParam }) =>
      body(
        api.GET("/api/v1/role-profiles", {
          signal,
          params: { query: pageParam ? { cursor: pageParam } : {} },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });
}

/** Skills that the model knows, in the reader's language. */
export function useSkillNames() {
  return useQuery({
    queryKey: ["matching", "skills"],
    queryFn: async ({ signal }) => (await body(api.GET("/api/v1/role-profiles/skills", { signal }))).items,
    staleTime: STAYS_MS,
  });
}

export function useRoleMatches(id: number) {
  return useQuery({
    queryKey: ["matching", id],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/role-profiles/{role_id}/matches", { signal, params: pathOf(id) })),
    staleTime: STAYS_MS,
  });
}

export function useDescribeRole() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (role: RoleDescription) => body(api.POST("/api/v1/role-profiles", { body: role })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["matching", "roles"] }),
  });
}

export function useDeleteRole(id: number) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => body(api.DELETE("/api/v1/role-profiles/{role_id}", { params: pathOf(id) })),
    onSuccess: async () => {
      client.removeQueries({ queryKey: ["matching", id] });
      await client.invalidateQueries({ queryKey: ["matching", "roles"] });
    },
  });
}

export function useDecideMatch(id: number) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ matchId, verdict }: { matchId: number; verdict: "accept" | "reject" }) =>
      body(
        api.POST(`/api/v1/role-profiles/{role_id}/matches/{match_id}/${verdict}`, {
          params: { path: { role_id: id, match_id: matchId } },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: ["matching", id] }),
  });
}

/** Skills that the model sees in a version of a résumé. */
export function useDocumentSkills(id: number, versionId: number) {
  return useQuery({
    queryKey: ["documents", id, "skills", versionId],
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/v1/documents/{document_id}/versions/{version_id}/skills", {
          signal,
          params: { path: { document_id: id, version_id: versionId } },
        }),
      ),
    staleTime: STAYS_MS,
  });
}

export function useDecideSkill(id: number) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ scoreId, verdict }: { scoreId: number; verdict: "accept" | "reject" }) =>
      body(
        api.POST(`/api/v1/documents/{document_id}/skills/{score_id}/${verdict}`, {
          params: { path: { document_id: id, score_id: scoreId } },
        }),
      ),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["documents", id, "skills"] });
      // Candidates show what was decided of their skills.
      await client.invalidateQueries({ queryKey: ["matching"] });
    },
  });
}

function pathOf(id: number) {
  return { path: { role_id: id } };
}
