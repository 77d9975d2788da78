import { useTranslations } from "next-intl";
import type { SkillWord } from "@/api/types";
import { writeRange } from "@/documents/text";
import { AppLink } from "@/shell/link";

const MOST_AGAINST = 2;

interface SkillWordsProps {
  documentId: number;
  versionId: number;
  words: readonly SkillWord[];
}

/** The words that a score rests on; each leads to where it first stands in the text. */
export function SkillWords({ documentId, versionId, words }: SkillWordsProps) {
  const t = useTranslations("matching");
  const speaksFor = words.filter((one) => one.weight > 0);
  // The heaviest come first; what follows says little.
  const against = words.filter((one) => one.weight < 0).slice(0, MOST_AGAINST);
  if (words.length === 0) return <span className="text-xs text-faint">{t("noWords")}</span>;
  return (
    <span className="flex flex-wrap items-baseline gap-x-2 gap-y-0.5 text-xs">
      {speaksFor.map((one) => (
        <Word key={one.word} documentId={documentId} versionId={versionId} word={one} />
      ))}
      {against.length > 0 && (
        <span className="text-faint">
          {t("against", { words: against.map((one) => one.word).join(t("comma")) })}
        </span>
      )}
    </span>
  );
}

function Word({ documentId, versionId, word }: { documentId: number; versionId: number; word: SkillWord }) {
  const t = useTranslations("matching");
  const place = word.places[0];
  if (!place) return <span>{word.word}</span>;
  return (
    <AppLink
      href={`/documents/${documentId}/versions/${versionId}?at=${writeRange(place)}`}
      leavesDate
      className="text-pine underline-offset-4 hover:underline"
    >
      {word.word}
      {word.places.length > 1 && (
        <span className="ml-0.5 text-faint">{t("times", { count: word.places.length })}</span>
      )}
    </AppLink>
  );
}
