import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { api, body } from "./client";
import type { ImportJob, ImportRowsQuery, MappingRequest } from "./types";

export type { MappingRequest };
export type RowFilter = NonNullable<ImportRowsQuery["only"]>;

const RUNNING: readonly ImportJob["state"][] = ["checking", "committing"];

export function isRunning(job: ImportJob | undefined): boolean {
  return job !== undefined && RUNNING.includes(job.state);
}

/** Slower than live updates, quick enough when they are down. */
const POLL_MS = 1_500;

export function useImports() {
  return useInfiniteQuery({
    queryKey: ["imports", "list"],
    queryFn: ({ signal, pageParam }) =>
      body(api.GET("/api/v1/imports", { signal, params: { query: pageParam ? { cursor: pageParam } : {} } })),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
}

export function useImport(id: number) {
  return useQuery({
    queryKey: ["imports", id, "job"],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/imports/{import_id}", { signal, params: { path: { import_id: id } } })),
    refetchInterval: (query) => (isRunning(query.state.data) ? POLL_MS : false),
  });
}

export function useImportFields() {
  return useQuery({
    queryKey: ["import-fields"],
    queryFn: async ({ signal }) => (await body(api.GET("/api/v1/imports/fields", { signal }))).items,
    staleTime: 60_000,
  });
}

export function useImportRows(id: number, only: RowFilter, isEnabled: boolean) {
  return useInfiniteQuery({
    queryKey: ["imports", id, "rows", only],
    queryFn: ({ signal, pageParam }) =>
      body(
        api.GET("/api/v1/imports/{import_id}/rows", {
          signal,
          params: { path: { import_id: id }, query: { only, ...(pageParam && { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    enabled: isEnabled,
  });
}

export function useUpload() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (file: File) => {
      const form = new FormData();
      form.set("file", file);
      form.set("kind", "people");
      return body(
        api.POST("/api/v1/imports", {
          // The generated type calls a file a string; the form goes out as it is.
          body: { file: file.name, kind: "people" },
          bodySerializer: () => form,
        }),
      );
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ["imports", "list"] }),
  });
}

/** The steps that move an import on. Each gives the import as it is afterwards. */
export function useImportSteps(id: number) {
  const client = useQueryClient();
  const onSuccess = async (job: ImportJob) => {
    client.setQueryData(["imports", id, "job"], job);
    await client.invalidateQueries({ queryKey: ["imports"] });
  };
  const path = { params: { path: { import_id: id } } };
  const check = useMutation({
    mutationFn: async (mapping: MappingRequest) => {
      await body(api.PUT("/api/v1/imports/{import_id}/mapping", { ...path, body: mapping }));
      return body(api.POST("/api/v1/imports/{import_id}/check", path));
    },
    onSuccess,
  });
  const commit = useMutation({
    mutationFn: ({ skipErrors }: { skipErrors: boolean }) =>
      body(api.POST("/api/v1/imports/{import_id}/commit", { ...path, body: { skip_errors: skipErrors } })),
    onSuccess,
  });
  const cancel = useMutation({
    mutationFn: () => body(api.POST("/api/v1/imports/{import_id}/cancel", path)),
    onSuccess,
  });
  return { check, commit, cancel };
}
