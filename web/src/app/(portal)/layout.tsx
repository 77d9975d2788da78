import type { ReactNode } from "react";
import { Portal } from "@/shell/portal";

export default function PortalLayout({ children }: { children: ReactNode }) {
  return <Portal>{children}</Portal>;
}
