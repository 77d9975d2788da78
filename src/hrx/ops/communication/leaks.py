"""The linter of words for readers: what gives away our insides, people, secrets, guesses or promises.

Pure: it judges a text by the rules of `leaks.yaml`, by the names that we know, and by the facts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from hrx.kit.errors import LANGUAGES, Language, Text
from hrx.kit.secrets import mask_text
from hrx.ops.communication.drafting import Words
from hrx.ops.communication.facts import Facts
from hrx.ops.ledger.communications import Audience
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.content import Content
from hrx.ops.runbook.messages import LeakRules, as_whole_word

#: Names of parts that are also ordinary words.
_ORDINARY: Final = frozenset({"ops", "probe", "status", "worker", "web", "api"})
_TIME: Final = re.compile(r"(?<!\d)([01]?\d|2[0-3])[::時]([0-5]\d)(?!\d)")
_EXCERPT: Final = 60
_JAPANESE: Final = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


class Level(StrEnum):
    """An error keeps words from being published; a warning is for the author to judge."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One finding. `field` is `title` or `text`; `start` and `end` are places in it, in characters."""

    rule: str
    level: Level
    field: str
    language: Language
    start: int
    end: int
    excerpt: str
    why: Text
    instead: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNames:
    """What only insiders know by name, as patterns: parts, hosts, people, vendors."""

    parts: tuple[re.Pattern[str], ...]
    hosts: tuple[re.Pattern[str], ...]
    people: tuple[re.Pattern[str], ...]
    vendors: tuple[re.Pattern[str], ...]


def list_known_names(plane: Plane) -> KnownNames:
    """The names in content and settings of this plane."""
    content = plane.content
    parts = {one.name for one in content.parts} | {one.service for one in content.parts}
    return KnownNames(
        parts=_names(name for name in parts if name not in _ORDINARY),
        hosts=_names(_hosts(plane)),
        people=_people(content),
        vendors=_names(part.strip() for one in content.contacts.vendors for part in one.name.split("/")),
    )


def find_leaks(
    words: Words,
    *,
    audience: Audience,
    facts: Facts | None,
    rules: LeakRules,
    known: KnownNames,
    zone: ZoneInfo,
) -> tuple[Leak, ...]:
    """Everything that is wrong with the words, in order of place. `facts` None: no incident stands behind."""
    found: list[Leak] = []
    for field, text in (("title", words.title), ("text", words.text)):
        for language in LANGUAGES:
            said = text.in_language(language)
            place = _Place(field=field, language=language, said=said)
            found += _judge_form(place, words_max=rules.words_max)
            found += _judge_rules(place, audience=audience, rules=rules)
            found += _judge_names(place, audience=audience, known=known)
            found += _judge_claims(place, facts=facts, rules=rules)
            if audience is Audience.CUSTOMERS and facts is not None:
                found += _judge_times(place, facts=facts, zone=zone)
    order = {Level.ERROR: 0, Level.WARNING: 1}
    kept = [one for at, one in enumerate(found) if not _is_said_by(one, found[:at])]
    return tuple(sorted(kept, key=lambda one: (order[one.level], one.field, one.language, one.start)))


def find_blame(sections: Mapping[str, str], *, rules: LeakRules, known: KnownNames) -> tuple[Leak, ...]:
    """What blames somebody, or gives away a secret, in what people wrote for those inside.

    A name is a warning: who pressed a key is in the ledger; what let it happen belongs here."""
    found: list[Leak] = []
    for name, said in sections.items():
        place = _Place(field=name, language="en" if not _JAPANESE.search(said) else "ja", said=said)
        found += _judge_rules(place, audience=Audience.INTERNAL, rules=rules)
        why, instead = _NAMED
        found += place.search(known.people, "person", Level.WARNING, why=why, instead=instead)
    return tuple(found)


def has_errors(leaks: Iterable[Leak]) -> bool:
    return any(one.level is Level.ERROR for one in leaks)


def _is_said_by(leak: Leak, before: list[Leak]) -> bool:
    """Whether an earlier finding says the same of this place: one word needs one remark."""
    return any(
        (one.field, one.language) == (leak.field, leak.language)
        and one.start < leak.end
        and leak.start < one.end
        and (one.rule == leak.rule or {one.rule, leak.rule} == {"product", "part"})
        for one in before
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """One text in one language."""

    field: str
    language: Language
    said: str

    def leak(
        self, rule: str, level: Level, *, why: Text, instead: Text, start: int = 0, end: int = 0
    ) -> Leak:
        excerpt = mask_text(self.said[start:end][:_EXCERPT])
        return Leak(
            rule=rule,
            level=level,
            field=self.field,
            language=self.language,
            start=start,
            end=end,
            # A finding is shown and kept; it must not carry on what it warns of.
            excerpt="••••••" if rule in ("secret", "personal_data") else excerpt,
            why=why,
            instead=instead,
        )

    def search(
        self,
        patterns: Iterable[re.Pattern[str]],
        rule: str,
        level: Level,
        *,
        why: Text,
        instead: Text,
    ) -> Iterator[Leak]:
        seen: set[tuple[int, int]] = set()
        for pattern in patterns:
            for match in pattern.finditer(self.said):
                if match.span() not in seen and match.group().strip():
                    seen.add(match.span())
                    yield self.leak(
                        rule, level, why=why, instead=instead, start=match.start(), end=match.end()
                    )


def _judge_form(place: _Place, *, words_max: int) -> Iterator[Leak]:
    if not place.said.strip():
        name = Text(ja="日本語", en="Japanese") if place.language == "ja" else Text(ja="英語", en="English")
        yield place.leak(
            "missing_language",
            Level.ERROR,
            why=Text(ja=f"{name.ja}の文がありません", en=f"The {name.en} words are missing"),
            instead=Text(ja="両方の言語で書いてください。", en="Write it in both languages."),
        )
    elif place.language == "en" and _JAPANESE.search(place.said):
        match = _JAPANESE.search(place.said)
        start = match.start() if match else 0
        yield place.leak(
            "wrong_language",
            Level.ERROR,
            why=Text(ja="英語の文に日本語が入っています", en="The English words hold Japanese"),
            instead=Text(ja="英語で書いてください。", en="Write it in English."),
            start=start,
            end=start + 1,
        )
    elif place.language == "ja" and place.field == "text" and not _JAPANESE.search(place.said):
        yield place.leak(
            "wrong_language",
            Level.ERROR,
            why=Text(ja="日本語の文に日本語がありません", en="The Japanese words hold no Japanese"),
            instead=Text(ja="日本語で書いてください。", en="Write it in Japanese."),
            end=len(place.said),
        )
    if len(place.said) > words_max:
        yield place.leak(
            "too_long",
            Level.ERROR,
            why=Text(ja=f"{words_max} 文字を超えています", en=f"It has more than {words_max} characters"),
            instead=Text(ja="短くしてください。", en="Make it shorter."),
            start=words_max,
            end=len(place.said),
        )


def _judge_rules(place: _Place, *, audience: Audience, rules: LeakRules) -> Iterator[Leak]:
    for rule in rules.rules:
        if audience.value in rule.audiences:
            yield from place.search(
                rule.patterns, rule.id, Level(rule.level), why=rule.why, instead=rule.instead
            )
    if mask_text(place.said) != place.said:
        yield place.leak(
            "secret",
            Level.ERROR,
            why=Text(ja="認証情報に見えるものがあります", en="Something in it looks like a credential"),
            instead=Text(
                ja="消して、その秘密を今すぐ取り替えてください。", en="Remove it, and change that secret now."
            ),
            end=len(place.said),
        )


_NAMED: Final = (
    Text(ja="人の名前があります", en="This names somebody"),
    Text(
        ja="役割で書き、どの仕組みがそれを防げなかったかを書いてください。",
        en="Name the role, and say which safeguard did not hold.",
    ),
)
_NAMES_SAID: Final[Mapping[str, tuple[Text, Text]]] = {
    "part": (
        Text(ja="内部の部品の名前です", en="This is the name of a part inside our system"),
        Text(ja="利用者が知っている機能の名前で書いてください。", en="Write what readers know it as."),
    ),
    "host": (
        Text(ja="内部のホスト名です", en="This is an internal host"),
        Text(ja="機能の名前で書いてください。", en="Name the feature instead."),
    ),
    "person": (
        Text(ja="社内の人の名前です", en="This names one of our people"),
        Text(ja="「担当者」「私たち」と書いてください。", en="Write “we” or “our engineers” instead."),
    ),
    "vendor": (
        Text(ja="提供会社の名前です。責任を押し付けて見えます", en="This names a vendor; it reads as blame"),
        Text(ja="「外部のサービス」と書いてください。", en="Write “a service we depend on” instead."),
    ),
}


def _judge_names(place: _Place, *, audience: Audience, known: KnownNames) -> Iterator[Leak]:
    if audience is not Audience.CUSTOMERS:
        return
    for rule, patterns in (
        ("part", known.parts),
        ("host", known.hosts),
        ("person", known.people),
        ("vendor", known.vendors),
    ):
        why, instead = _NAMES_SAID[rule]
        yield from place.search(patterns, rule, Level.ERROR, why=why, instead=instead)


def _judge_claims(place: _Place, *, facts: Facts | None, rules: LeakRules) -> Iterator[Leak]:
    if facts is None:
        return
    supported = {"cause": facts.cause is not None, "recovery": facts.said.expected_at is not None}
    for name, claim in rules.claims.items():
        if not supported[name]:
            rule = "unproven_cause" if name == "cause" else "promise"
            yield from place.search(claim.patterns, rule, Level.ERROR, why=claim.why, instead=claim.instead)


def _judge_times(place: _Place, *, facts: Facts, zone: ZoneInfo) -> Iterator[Leak]:
    """A time of day that no fact has is somebody's guess."""
    allowed = {
        at.astimezone(where).strftime("%H:%M") for at in facts.moments for where in (zone, ZoneInfo("UTC"))
    }
    for match in _TIME.finditer(place.said):
        if f"{int(match[1]):02}:{match[2]}" not in allowed:
            yield place.leak(
                "unknown_time",
                Level.WARNING,
                why=Text(ja="台帳にない時刻です", en="The ledger knows no such time"),
                instead=Text(ja="台帳の時刻を使ってください。", en="Use a time of the time line."),
                start=match.start(),
                end=match.end(),
            )


def _names(names: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(
        re.compile(as_whole_word(name), re.IGNORECASE) for name in sorted(set(names)) if len(name) > 1
    )


def _hosts(plane: Plane) -> set[str]:
    """Hosts of every address in the settings but the public ones."""
    settings = plane.settings
    public = {urlsplit(url).hostname for url in (settings.status_public_url, settings.edge_url) if url}
    found: set[str] = set()
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if name.endswith("_url") and isinstance(value, str):
            host = urlsplit(value).hostname
            if host and host not in public and "." in host:
                found.add(host)
        elif name in ("smtp_host",) and isinstance(value, str):
            found.add(value)
    return found


def _people(content: Content) -> tuple[re.Pattern[str], ...]:
    found = []
    for person in content.contacts.people:
        full = person.name.ja.replace(" ", "").replace("・", "")
        family = person.name.ja.split(" ")[0] if " " in person.name.ja else None
        found.append(re.escape(person.name.ja))
        found.append(re.escape(full))
        if family:
            found.append(re.escape(family) + r"(?=さん|氏|様|部長|課長|が|は|も|の(?:ミス|作業|対応))")
        found.append(as_whole_word(person.name.en))
        found.append(as_whole_word(person.name.en.split()[-1]))
        found.append(as_whole_word(person.id))
    return tuple(re.compile(source, re.IGNORECASE) for source in found)
