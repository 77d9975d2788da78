"""A draft as readers would see it: the very page, with the draft in it as if it were published now."""

from __future__ import annotations

from dataclasses import replace

from hrx.kit import clock
from hrx.ops.communication.document import build_document
from hrx.ops.communication.publishing import make_files
from hrx.ops.ledger.communications import Notice, NoticeState
from hrx.ops.run.plane import Plane


def make_preview(plane: Plane, notice: Notice) -> dict[str, bytes]:
    """Every file of the status page by name; nothing is written."""
    shown = replace(notice, state=NoticeState.PUBLISHED, published_at=clock.now())
    with plane.ledger.store.read() as connection:
        document = build_document(plane, connection, also=(shown,))
    return make_files(plane, document)
