"use client";

import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { setNonce } from "get-nonce";
import { useState, type ReactNode } from "react";
import { rememberCaller } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { sessionQuery } from "@/api/session";
import { ToastProvider } from "@/ui/toast";

/** What every page needs: the query cache, toasts, and the nonce for styles that libraries write. */
export function Providers({
  nonce,
  locale,
  children,
}: {
  nonce: string;
  locale: string;
  children: ReactNode;
}) {
  const [client] = useState(makeQueryClient);
  if (typeof window !== "undefined") {
    setNonce(nonce);
    rememberCaller({ locale });
  }
  return (
    <QueryClientProvider client={client}>
      <ToastProvider>{children}</ToastProvider>
    </QueryClientProvider>
  );
}

const MAX_RETRIES = 2;

function makeQueryClient(): QueryClient {
  // A session that ended while a page was open leads to sign-in, from whichever request notices first.
  const onError = (error: unknown) => {
    if (error instanceof ApiProblem && error.status === 401) void client.invalidateQueries(sessionQuery);
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        retry: (failures, error) =>
          error instanceof ApiProblem && error.isTemporary && failures < MAX_RETRIES,
        // Errors are shown even when the browser thinks that it is offline; it is often wrong on loopback.
        networkMode: "always",
      },
      mutations: { networkMode: "always" },
    },
  });
  return client;
}
