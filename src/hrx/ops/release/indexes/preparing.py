"""The indexes that the product cannot do without, made when a database is made ready: `hrx up` runs this as a
program of its own. Safe to repeat; where one answers that this code knows, nothing is done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from hrx.ops.release.indexes.building import build, building_session
from hrx.ops.release.indexes.definitions import (
    ENCODERS,
    PASSAGES,
    Encoder,
    get_definition,
    has_vectors,
    is_known,
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


def prepare_indexes(url: str, *, runbook: Path = HOME / "runbook") -> bool:
    """Let a generation of `passages` answer that this code can read; gives whether one had to be made.

    Raises MigrationLockHeld, DatabaseAway, StatementFailed, LockNotGranted, ContentWrong."""
    definition = get_definition(runbook, PASSAGES)
    encoder = ENCODERS[definition.encoder]
    with building_session(url, definition.name) as session:
        if _answers(session, definition.name, encoder):
            return False
        if session.rows("SELECT id FROM app.tenant LIMIT 1"):
            switch(session, build(session, definition, encoder), by=_BY)
        else:
            made = finish(session, begin_generation(session, definition, encoder))
            begin_answering(session, made, by=_BY)
        return True


def _answers(session: MigratingSession, name: str, encoder: Encoder) -> bool:
    """Whether the live one can be searched, and by vectors too if there is an encoder for them."""
    pointer = find_pointer(session, name)
    live = [one for one in list_generations(session, name) if pointer and one.number == pointer.live]
    return any(
        is_known(one.encoder) and (has_vectors(one.encoder) or not has_vectors(encoder.version))
        for one in live
    )


if __name__ == "__main__":
    prepare_indexes(os.environ[URL])
