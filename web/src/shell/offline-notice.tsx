"use client";

import { WifiOff } from "lucide-react";
import { useTranslations } from "next-intl";
import { useSyncExternalStore } from "react";

function subscribe(notify: () => void): () => void {
  addEventListener("online", notify);
  addEventListener("offline", notify);
  return () => {
    removeEventListener("online", notify);
    removeEventListener("offline", notify);
  };
}

/** Says that the network is gone while pages already loaded stay readable. */
export function OfflineNotice() {
  const t = useTranslations("errors");
  const isOnline = useSyncExternalStore(
    subscribe,
    () => navigator.onLine,
    () => true,
  );
  if (isOnline) return null;
  return (
    <div
      role="status"
      className="flex items-center gap-2 bg-danger-tint px-4 py-2 text-sm text-danger sm:px-6"
    >
      <WifiOff aria-hidden className="size-4 shrink-0" />
      {t("offlineNotice")}
    </div>
  );
}
