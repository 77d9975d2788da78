"""The indexes that the product cannot do without, made when a database is made ready: `hrx up` runs this as a
program of its own. Safe to repeat; where one answers that this code knows, nothing is done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from hrx.kit.search.encoders.settings import EncoderSettings
from hrx.kit.settings import load
from hrx.ops.release.indexes.building import build, building_session
from hrx.ops.release.indexes.definitions import (
    PASSAGES,
    Encoder,
    choose_encoder,
    get_definition,
    has_vectors,
    is_known,
    is_written_whole,
)
from hrx.ops.release.indexes.generations import (
    begin_generation,
    find_pointer,
    finish,
    list_generations,
)
from hrx.ops.release.indexes.switching import begin_answering, switch
from hrx.ops.seams.migrating import MigratingSession
from hrx.ops.settings.places import HOME

URL: Final = "HRX_OWNER_DATABASE_URL"
_BY: Final = "hrx up"


def prepare_indexes(
    url: str, *, runbook: Path = HOME / "runbook", settings: EncoderSettings | None = None
) -> bool:
    """Let a generation of `passages` answer that this code can read; gives whether one had to be made.

    `settings`: which encoder it is made with; the one that comes along unless told.

    Raises MigrationLockHeld, DatabaseAway, StatementFailed, LockNotGranted, ContentWrong, EncoderWrong,
    EncoderUnknown."""
    definition = get_definition(runbook, PASSAGES)
    encoder = choose_encoder(definition, settings)
    with building_session(url, definition.name) as session:
        if _answers(session, definition.name, encoder):
            return False
        if session.rows("SELECT id FROM app.tenant LIMIT 1"):
            # Nothing else answers: what has no vector yet is found by its words.
            made = build(session, definition, encoder)
            switch(session, made, by=_BY, folder=settings.encoders_dir if settings else None, may_lack=True)
        else:
            made = finish(session, begin_generation(session, definition, encoder))
            begin_answering(session, made, by=_BY)
        return True


def _answers(session: MigratingSession, name: str, encoder: Encoder) -> bool:
    """Whether the live one can be searched, and by vectors too if they are made here and now. Vectors that
    the worker makes take their time: an operator builds and switches."""
    pointer = find_pointer(session, name)
    live = [one for one in list_generations(session, name) if pointer and one.number == pointer.live]
    return any(
        is_known(one.encoder) and (has_vectors(one.encoder) or not is_written_whole(encoder.version))
        for one in live
    )


if __name__ == "__main__":
    prepare_indexes(os.environ[URL], settings=load(EncoderSettings))
