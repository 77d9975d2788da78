"""What a release's migrations drop that older releases on record still read: told at the build, and refused
at the deploy.

Expand and contract takes three releases: the drop comes when nothing that runs, and nothing that may come
back, reads the column. A migration whose author knows that nobody will go back any more says so with
`ends_contract = ("app.person.kana",)`; what is live must not read it in any case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hrx.kit.errors import Refused, Text
from hrx.ops.release.graph import ReleaseGraph, judge_drop
from hrx.ops.release.migrations.linting import RevisionLint
from hrx.ops.release.releases import Component
from hrx.ops.release.shapes import table_of

#: These empty a table that stays; code that reads it goes on running.
_EMPTIES: Final = ("mass-delete", "table-emptied")
_SHOWN: Final = 4


class DropStillRead(Refused):
    """A migration would drop what older code still reads."""

    code = "release.drop_still_read"


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyDrop:
    """One revision that drops too early. `readers`: by release, which of the columns it reads or writes;
    `unknown`: releases of which nobody recorded what they use. `is_live`: what serves now is among them."""

    revision: str
    readers: Mapping[str, frozenset[str]]
    unknown: frozenset[str]
    is_live: bool

    def say(self) -> Text:
        named = [f"{name} ({', '.join(sorted(columns))})" for name, columns in sorted(self.readers.items())]
        named += [f"{name} (?)" for name in sorted(self.unknown)]
        shown = ", ".join(named[:_SHOWN]) + (" …" if len(named) > _SHOWN else "")
        return Text(
            ja=f"移行 {self.revision} が落とす列を、まだ使うリリースがあります: {shown}",
            en=f"Migration {self.revision} drops what releases still use: {shown}",
        )


def list_early_drops(
    graph: ReleaseGraph, revisions: Sequence[RevisionLint], *, live: str, coming: str
) -> tuple[EarlyDrop, ...]:
    """The pending revisions of release `coming` that drop what `live`, or one that may be gone back to from
    it, still uses. A release that nobody watched uses everything that it was tested on."""
    return tuple(_list_early(graph, revisions, live=live, coming=coming))


def _list_early(
    graph: ReleaseGraph, revisions: Sequence[RevisionLint], *, live: str, coming: str
) -> Iterator[EarlyDrop]:
    ids = [one.revision.id for one in revisions]
    stands = graph.releases[live].find_version(Component.SCHEMA)
    pending = revisions[ids.index(stands) + 1 :] if stands in ids else revisions
    for one in pending:
        dropped = _list_dropped(one)
        if not dropped:
            continue
        verdict = judge_drop(graph, dropped, live=frozenset({live}))
        ended = frozenset(one.revision.ends_contract)
        readers = {
            name: left
            for name, columns in verdict.readers.items()
            if name != coming and (left := columns if name == live else _without(columns, ended))
        }
        unknown = verdict.unknown - {coming} if _without(dropped, ended) else frozenset[str]()
        if readers or unknown:
            yield EarlyDrop(
                revision=one.revision.id, readers=readers, unknown=unknown, is_live=live in readers
            )


def _list_dropped(one: RevisionLint) -> frozenset[str]:
    emptied = {found.table for found in one.findings if found.rule.id in _EMPTIES}
    return frozenset(name for name in one.destroys if name not in emptied)


def _without(columns: frozenset[str], ended: frozenset[str]) -> frozenset[str]:
    return frozenset(name for name in columns if name not in ended and table_of(name) not in ended)


def refuse_early_drops(drops: Sequence[EarlyDrop]) -> None:
    """Raises DropStillRead, naming releases and columns."""
    if not drops:
        return
    said = [one.say() for one in drops]
    message = Text(ja="。".join(one.ja for one in said), en=". ".join(one.en for one in said))
    if any(one.is_live for one in drops):
        raise DropStillRead(
            message,
            hint=Text(
                ja="公開中の版が使っています。先に、使わない版を公開してください。",
                en="What is live uses it: first bring out a release that does not.",
            ),
        )
    raise DropStillRead(
        message,
        hint=Text(
            ja="それらへ戻らなくなってから落とします。もう戻らないなら、移行に "
            'ends_contract = ("表.列",) と書きます。',
            en="Drop it once nobody may go back to them; if nobody will, say so in the migration: "
            'ends_contract = ("app.table.column",).',
        ),
    )
