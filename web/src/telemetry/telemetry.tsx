"use client";

import { usePathname } from "next/navigation";
import { useEffect } from "react";
import { noteView, startReporting } from "./reporter";

/** Shows nothing; lets the page say how quick it was, that it was looked at, and what broke. */
export function Telemetry() {
  const pathname = usePathname();
  useEffect(() => {
    startReporting();
    noteView(pathname);
  }, [pathname]);
  return null;
}
