import { Check, X } from "lucide-react";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";

interface VerdictButtonsProps {
  verdict: "accepted" | "rejected" | null;
  words: { accept: string; reject: string; accepted: string; rejected: string };
  mayDecide: boolean;
  isBusy: boolean;
  onDecide: (verdict: "accept" | "reject") => void;
}

/** What a person decided, and the way to decide or to think again. */
export function VerdictButtons({ verdict, words, mayDecide, isBusy, onDecide }: VerdictButtonsProps) {
  return (
    <span className="flex flex-wrap items-center gap-2">
      {verdict && <Badge tone={verdict === "accepted" ? "today" : "neutral"}>{words[verdict]}</Badge>}
      {mayDecide && verdict !== "rejected" && (
        <Button size="small" disabled={isBusy} onClick={() => onDecide("reject")}>
          <X aria-hidden />
          {words.reject}
        </Button>
      )}
      {mayDecide && verdict !== "accepted" && (
        <Button
          size="small"
          look={verdict === null ? "primary" : "secondary"}
          disabled={isBusy}
          onClick={() => onDecide("accept")}
        >
          <Check aria-hidden />
          {words.accept}
        </Button>
      )}
    </span>
  );
}
