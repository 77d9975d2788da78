"""Making a generation the live one, and going back: one transaction; searches wait, none fails."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from hrx.kit.errors import Conflict, Refused, Text, Unavailable
from hrx.ops.release.indexes.building import catch_up, count_lacking
from hrx.ops.release.indexes.definitions import get_encoder
from hrx.ops.release.indexes.generations import Generation, find_pointer, list_generations, list_readers
from hrx.ops.release.indexes.layouts import layout_of
from hrx.ops.seams.migrating import LockNotGranted, MigratingSession

#: Searches that come meanwhile stand behind the one lock that is waited for: so long at most.
_LOCK_MS: Final = 200
_TRIES: Final = 50


class IndexNotReady(Refused):
    """The generation is still being built, or does not exist."""

    code = "index.not_ready"


class NothingBefore(Conflict):
    """No generation was live before this one, or it was dropped."""

    code = "index.nothing_before"


class IndexBusy(Unavailable):
    """Searches held the view for longer than was waited, however often it was tried."""

    code = "index.busy"


def switch(
    session: MigratingSession,
    generation: Generation,
    *,
    by: str,
    folder: Path | None = None,
    may_lack: bool = False,
) -> None:
    """Catch the generation up, point the live view at it, and catch up once more with what came meanwhile.

    `folder`: where the installation's own encoders are. `may_lack`: rows may still wait for their vectors,
    and are found by their words until then. Its caller holds the lock of builds.

    Raises IndexNotReady, EncoderGone, EncoderWrong, IndexBusy; nothing is switched."""
    name = generation.index
    if not generation.is_finished:
        raise IndexNotReady(
            Text(
                ja=f"{name} の世代 {generation.number} は作成の途中です({generation.done_ratio:.0%})",
                en=f"Generation {generation.number} of {name} is not finished ({generation.done_ratio:.0%})",
            ),
            hint=Text(
                ja=f"続きから進めます: `hrx release indexes build {name}`",
                en=f"Go on with it: `hrx release indexes build {name}`.",
            ),
        )
    # The old generation answers until the new one has what it has.
    encoder = get_encoder(generation.encoder, folder=folder)
    catch_up(session, encoder, generation)
    if not may_lack:
        require_vectors(session, generation)
    for tried in range(1, _TRIES + 1):
        session.rows("BEGIN")
        try:
            session.rows(f"SET LOCAL lock_timeout = {_LOCK_MS}")
            _point(session, generation, by=by)
            session.rows("COMMIT")
        except LockNotGranted:
            session.rows("ROLLBACK")
            time.sleep(min(2.0, 0.02 * 2.0 ** min(tried, 8)))
            continue
        catch_up(session, encoder, generation)
        return
    raise IndexBusy(
        Text(
            ja=f"{name} を使う長い検索が終わりません。何も切り替えていません",
            en=f"A long search holds {name}; nothing was switched",
        ),
        hint=Text(
            ja="長いトランザクションを終わらせてから、もう一度。", en="End the long transaction, then again."
        ),
    )


def require_vectors(session: MigratingSession, generation: Generation) -> None:
    """Raises IndexNotReady while rows wait for vectors; never for a generation that answered before, which
    may have got a document a moment ago and must be there to go back to."""
    name = generation.index
    pointer = find_pointer(session, name)
    if pointer is not None and generation.number in (pointer.live, pointer.previous):
        return
    lacking = count_lacking(session, generation)
    if lacking:
        raise IndexNotReady(
            Text(
                ja=f"{name} の世代 {generation.number} では {lacking:,} 行がまだベクトルを待っています",
                en=f"{lacking:,} rows of generation {generation.number} of {name} wait for their vectors",
            ),
            hint=Text(
                ja="ワーカーが作っています。残りは `hrx release indexes list` で。0 になったら切り替えます。",
                en="The worker makes them. See what is left with `hrx release indexes list`; switch at 0.",
            ),
        )


def begin_answering(session: MigratingSession, generation: Generation, *, by: str) -> None:
    """Point at a generation of a product that has no tenant yet: nothing to catch up with."""
    session.rows("BEGIN")
    _point(session, generation, by=by)
    session.rows("COMMIT")


def find_before(session: MigratingSession, index: str) -> Generation:
    """The generation that was live before. Raises NothingBefore."""
    pointer = find_pointer(session, index)
    known = {one.number: one for one in list_generations(session, index)}
    before = known.get(pointer.previous or 0) if pointer is not None else None
    if before is None:
        raise NothingBefore(
            Text(ja=f"{index} には前の世代がありません", en=f"No generation of {index} was live before"),
            hint=Text(ja="`hrx release indexes list` で確かめます。", en="See `hrx release indexes list`."),
        )
    return before


def _point(session: MigratingSession, generation: Generation, *, by: str) -> None:
    """The record and the view together. A view that is replaced keeps its readers and their rights."""
    view = f"search.{generation.index}_live"
    session.rows(
        "INSERT INTO search.pointer (index_name, live, moved_by) VALUES (%(index)s, %(number)s, %(by)s)"
        " ON CONFLICT (index_name) DO UPDATE SET"
        " previous = CASE WHEN pointer.live = excluded.live THEN pointer.previous ELSE pointer.live END,"
        " live = excluded.live, moves = pointer.moves + 1, moved_at = clock_timestamp(), moved_by = %(by)s",
        {"index": generation.index, "number": generation.number, "by": by},
    )
    session.rows(
        f"CREATE OR REPLACE VIEW {view} WITH (security_invoker = true) AS"  # noqa: S608
        f" SELECT i.tenant_id, i.key, {layout_of(generation.definition).view},"
        f" {generation.number} AS generation, '{generation.encoder}'::text AS encoder"
        f" FROM {generation.table} AS i"
    )
    for role in list_readers(session):
        session.rows(f"GRANT SELECT ON {view} TO {role}")
