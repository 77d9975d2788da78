"""One scan: pieces in, findings out, with what was not looked at said as loudly as what was found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.kit.secrets import MASK
from hrx.ops.release.environments.fingerprints import FingerprintKey
from hrx.ops.release.leaks.allowed import Allowed, find_allowed, hash_value
from hrx.ops.release.leaks.judging import find_candidates
from hrx.ops.release.leaks.places import Piece, PlaceKind, is_text
from hrx.ops.release.leaks.real import RealSecrets, find_real
from hrx.ops.release.leaks.remembering import CleanBlobs

IN_USE = "in-use"
_IN_USE_TITLE = Text(ja="この環境で使用中の秘密", en="a secret that is in use")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One secret in one place. `masked` and `fingerprint` are all that is ever said of the value; `digest`
    names it for the list of exceptions and is empty for a secret in use, which nothing excuses."""

    rule: str
    title: Text
    place: PlaceKind
    path: str
    line: int
    blob: str
    masked: str
    fingerprint: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanReport:
    """What a scan found and what it looked at. `stale` are exceptions that excuse nothing any more."""

    leaks: tuple[Leak, ...]
    excused: int
    pieces: int
    size_bytes: int
    not_looked_at: tuple[str, ...]
    stale: tuple[Allowed, ...]
    seconds: float

    @property
    def is_clean(self) -> bool:
        """Nothing found, and everything looked at."""
        return not self.leaks and not self.not_looked_at


def scan(
    pieces: Iterable[Piece],
    *,
    key: FingerprintKey,
    known: RealSecrets | None = None,
    allowed: tuple[Allowed, ...] = (),
    clean: CleanBlobs | None = None,
) -> ScanReport:
    """Look at every piece once; the same value in the same file of history is said once.

    What `clean` knows is looked through for our own secrets only, and what is found clean is added to it."""
    began_s = clock.monotonic_s()
    found: dict[tuple[object, ...], Leak] = {}
    used: set[Allowed] = set()
    excused = count = size = 0
    skipped: list[str] = []
    for piece in pieces:
        count += 1
        if piece.data is None:
            skipped.append(piece.path)
            continue
        size += len(piece.data)
        if not is_text(piece.data):
            continue
        for leak, value in _look(piece, piece.data, key=key, known=known, clean=clean):
            exception = find_allowed(allowed, rule=leak.rule, path=leak.path, value=value)
            if exception is not None:
                used.add(exception)
                excused += 1
                continue
            line = 0 if piece.kind is PlaceKind.HISTORY else leak.line
            found.setdefault((leak.rule, leak.place, leak.path, leak.fingerprint, line), leak)
    return ScanReport(
        leaks=tuple(found.values()),
        excused=excused,
        pieces=count,
        size_bytes=size,
        not_looked_at=tuple(skipped),
        stale=tuple(one for one in allowed if one not in used),
        seconds=clock.monotonic_s() - began_s,
    )


def _look(
    piece: Piece, data: bytes, *, key: FingerprintKey, known: RealSecrets | None, clean: CleanBlobs | None
) -> Iterable[tuple[Leak, bytes | None]]:
    for hit in find_real(data, known) if known is not None else ():
        fingerprint = hit.fingerprint or key.of(hit.value or b"")
        yield _leak(piece, IN_USE, _IN_USE_TITLE, hit.line, f"{hit.name} {MASK}", fingerprint, ""), None
    if clean is not None and clean.knows(piece.blob):
        return
    is_clean = True
    for candidate in find_candidates(data):
        is_clean = False
        rule, value = candidate.rule, candidate.value
        made = _leak(
            piece, rule.id, rule.title, candidate.line, candidate.masked, key.of(value), hash_value(value)
        )
        yield made, value
    if clean is not None and is_clean:
        clean.add(piece.blob)


def _leak(
    piece: Piece, rule: str, title: Text, line: int, masked: str, fingerprint: str, digest: str
) -> Leak:
    return Leak(
        rule=rule,
        title=title,
        place=piece.kind,
        path=piece.path,
        line=line,
        blob=piece.blob,
        masked=masked,
        fingerprint=fingerprint[:12],
        digest=digest,
    )
