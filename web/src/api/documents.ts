import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { api, body, send } from "./client";
import type { Audience, DocumentKind, Uploads, VersionLine, VersionState } from "./types";

export const DOCUMENT_KINDS = [
  "policy",
  "handbook",
  "form",
  "notice",
  "resume",
  "career_history",
  "other",
] as const satisfies readonly DocumentKind[];
export const AUDIENCES = [
  "everyone",
  "managers",
  "hr",
  "person",
  "chosen",
] as const satisfies readonly Audience[];
export const VERSION_STATES = [
  "waiting",
  "reading",
  "ready",
  "replaced",
  "failed",
] as const satisfies readonly VersionState[];

export interface DocumentFilters {
  readonly q: string;
  readonly kind: DocumentKind | null;
  readonly state: VersionState | null;
}

/** Who may see a document: the named people and units count for the audience "chosen" only. */
export interface Readers {
  readonly audience: Audience;
  readonly personId: number | null;
  readonly readerPersonIds: readonly number[];
  readonly readerUnitIds: readonly number[];
}

export interface UploadTerms extends Readers {
  readonly kind: DocumentKind;
  readonly effectiveFrom: string;
  readonly effectiveTo: string;
}

/** Live updates tell of progress; this is for when they are down. */
const POLL_MS = 3_000;
/** A large file over a slow line. */
const UPLOAD_MS = 10 * 60_000;
const patiently = (request: Request) => send(request, { timeoutMs: UPLOAD_MS });

export function isOnTheWay(version: VersionLine | null | undefined): boolean {
  return version?.state === "waiting" || version?.state === "reading";
}

export function useDocuments(filters: DocumentFilters) {
  return useInfiniteQuery({
    queryKey: ["documents", "list", filters],
    queryFn: ({ signal, pageParam }) => {
      const query = {
        ...(filters.kind && { kind: filters.kind }),
        ...(filters.state && { state: filters.state }),
        ...(filters.q && { q: filters.q }),
        ...(pageParam && { cursor: pageParam }),
      };
      return body(api.GET("/api/v1/documents", { signal, params: { query } }));
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: (query) =>
      query.state.data?.pages.some((page) => page.items.some((item) => isOnTheWay(item.version)))
        ? POLL_MS
        : false,
  });
}

export function useDocument(id: number) {
  return useQuery({
    queryKey: ["documents", id, "detail"],
    queryFn: ({ signal }) => body(api.GET("/api/v1/documents/{document_id}", { signal, params: pathOf(id) })),
    refetchInterval: (query) => (query.state.data?.versions.some(isOnTheWay) ? POLL_MS : false),
  });
}

/** A part of a version's text. A version never changes, so what was read once stays right. */
export function useDocumentText(id: number, versionId: number, part: { start: number; end: number }) {
  return useQuery({
    queryKey: ["document-text", id, versionId, part],
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/v1/documents/{document_id}/versions/{version_id}/text", {
          signal,
          params: { path: { document_id: id, version_id: versionId }, query: part },
        }),
      ),
    placeholderData: keepPreviousData,
    staleTime: 5 * 60_000,
  });
}

export function fileAddress(id: number, versionId: number): string {
  return `/api/v1/documents/${id}/versions/${versionId}/file`;
}

export function useProposals(id: number) {
  return useQuery({
    queryKey: ["documents", id, "proposals"],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/documents/{document_id}/proposals", { signal, params: pathOf(id) })),
  });
}

export function useDecideProposal(id: number) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ proposalId, verdict }: { proposalId: number; verdict: "accept" | "reject" }) =>
      body(
        api.POST(`/api/v1/documents/{document_id}/proposals/{proposal_id}/${verdict}`, {
          params: { path: { document_id: id, proposal_id: proposalId } },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: ["documents"] }),
  });
}

/**
 * One file, or one archive that becomes many documents. `path` is its place in a folder: the same place again is
 * a new version of the same document.
 */
export function uploadDocument(
  { file, path }: { file: File; path: string },
  terms: UploadTerms,
  signal: AbortSignal,
): Promise<Uploads> {
  const form = formOf(file, terms.effectiveFrom, terms.effectiveTo);
  form.set("kind", terms.kind);
  form.set("audience", terms.audience);
  if (path.includes("/")) form.set("source_path", path);
  if (terms.audience === "person" && terms.personId) form.set("person_id", String(terms.personId));
  if (terms.audience === "chosen") {
    for (const id of terms.readerPersonIds) form.append("reader_person_ids", String(id));
    for (const id of terms.readerUnitIds) form.append("reader_unit_ids", String(id));
  }
  return body(
    api.POST("/api/v1/documents", {
      signal,
      fetch: patiently,
      // The generated type calls a file a string; the form goes out as it is.
      body: { file: file.name, kind: terms.kind, audience: terms.audience },
      bodySerializer: () => form,
    }),
  );
}

function formOf(file: File, effectiveFrom: string, effectiveTo: string): FormData {
  const form = new FormData();
  form.set("file", file);
  if (effectiveFrom) form.set("effective_from", effectiveFrom);
  if (effectiveTo) form.set("effective_to", effectiveTo);
  return form;
}

/** What is changed about one document; every list that shows it is stale afterwards. */
export function useDocumentSteps(id: number) {
  const client = useQueryClient();
  const onSuccess = () => client.invalidateQueries({ queryKey: ["documents"] });
  const addVersion = useMutation({
    mutationFn: (version: { file: File; effectiveFrom: string; effectiveTo: string }) =>
      body(
        api.POST("/api/v1/documents/{document_id}/versions", {
          params: pathOf(id),
          fetch: patiently,
          body: { file: version.file.name },
          bodySerializer: () => formOf(version.file, version.effectiveFrom, version.effectiveTo),
        }),
      ),
    onSuccess,
  });
  const change = useMutation({
    mutationFn: (wanted: { title: string; kind: DocumentKind } & Readers) =>
      body(
        api.PATCH("/api/v1/documents/{document_id}", {
          params: pathOf(id),
          body: {
            title: wanted.title,
            kind: wanted.kind,
            audience: wanted.audience,
            ...(wanted.audience === "person" && { person_id: wanted.personId }),
            ...(wanted.audience === "chosen" && {
              reader_person_ids: [...wanted.readerPersonIds],
              reader_unit_ids: [...wanted.readerUnitIds],
            }),
          },
        }),
      ),
    onSuccess,
  });
  const remove = useMutation({
    mutationFn: () => body(api.DELETE("/api/v1/documents/{document_id}", { params: pathOf(id) })),
    onSuccess: async () => {
      client.removeQueries({ queryKey: ["documents", id] });
      client.removeQueries({ queryKey: ["document-text", id] });
      await client.invalidateQueries({ queryKey: ["documents", "list"] });
    },
  });
  return { addVersion, change, remove };
}

function pathOf(id: number) {
  return { path: { document_id: id } };
}
