"""How entries are chained: pure functions over text, so that anybody can verify an export without us.

`hash` = SHA-256 over the canonical JSON of every other column, `prev_hash` among them. Changing a byte of any
entry changes its hash, and with it the `prev_hash` that the next entry remembers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import orjson

from hrx.kit.errors import Text

#: What the first entry remembers as its predecessor.
GENESIS: Final = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """One entry exactly as stored: text, because verification is about bytes and not about meaning."""

    seq: int
    at: str
    kind: str
    actor: str
    subject: str
    run_id: str
    correlation_id: str
    body: str
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether the chain holds. `head_hash` can be kept elsewhere and compared later: it names everything."""

    is_valid: bool
    entries: int
    head_hash: str
    first_broken_seq: int | None = None
    problem: Text | None = None


def hash_entry(entry: StoredEntry) -> str:
    """The hash that an entry with this content must carry; its own `hash` column is not looked at."""
    covered = [
        entry.seq,
        entry.at,
        entry.kind,
        entry.actor,
        entry.subject,
        entry.run_id,
        entry.correlation_id,
        entry.body,
        entry.prev_hash,
    ]
    return hashlib.sha256(orjson.dumps(covered)).hexdigest()


def verify_chain(entries: Iterable[StoredEntry], *, remembered_head: tuple[int, str] | None) -> Verification:
    """Walk the chain from its beginning. `remembered_head` is (seq, hash) of the newest entry ever appended.

    Reads each entry once and keeps none: a million entries take seconds and no memory."""
    previous, count = GENESIS, 0
    for entry in entries:
        problem = _problem_of(entry, expected_seq=count + 1, previous=previous)
        if problem is not None:
            return Verification(
                is_valid=False,
                entries=count,
                head_hash=previous,
                first_broken_seq=entry.seq,
                problem=problem,
            )
        previous, count = entry.hash, count + 1
    if remembered_head is not None and remembered_head != (count, previous):
        return Verification(
            is_valid=False,
            entries=count,
            head_hash=previous,
            first_broken_seq=count + 1,
            problem=Text(
                ja=f"末尾が失われています(最後の記録は {remembered_head[0]} 番のはず)",
                en=f"the end is missing (the last entry should be number {remembered_head[0]})",
            ),
        )
    return Verification(is_valid=True, entries=count, head_hash=previous)


def _problem_of(entry: StoredEntry, *, expected_seq: int, previous: str) -> Text | None:
    if entry.seq != expected_seq:
        return Text(ja=f"{expected_seq} 番の記録がありません", en=f"entry number {expected_seq} is missing")
    if entry.prev_hash != previous:
        return Text(
            ja=f"{entry.seq} 番が前の記録とつながっていません",
            en=f"entry {entry.seq} is not chained to the one before it",
        )
    if entry.hash != hash_entry(entry):
        return Text(
            ja=f"{entry.seq} 番の内容が書き換えられています",
            en=f"the content of entry {entry.seq} was changed",
        )
    return None
