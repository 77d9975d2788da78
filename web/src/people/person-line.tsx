"use client";

import type { PersonDetail } from "@/api/types";
import { AppLink } from "@/shell/link";
import { Avatar } from "@/ui/avatar";
import { cn } from "@/ui/cn";

type Report = PersonDetail["direct_reports"][number];

/** A person in one line, leading to their page. */
export function PersonLine({ person, className }: { person: Report; className?: string }) {
  return (
    <AppLink
      href={`/people/${person.id}`}
      className={cn("flex items-center gap-3 hover:bg-sunken/60", className)}
    >
      <Avatar id={person.id} name={person.name} />
      <span className="min-w-0">
        <span className="block truncate text-sm font-medium">{person.name}</span>
        <span className="block truncate text-xs text-faint">
          {[person.org_unit.name, person.position_title].filter(Boolean).join(" · ")}
        </span>
      </span>
    </AppLink>
  );
}
