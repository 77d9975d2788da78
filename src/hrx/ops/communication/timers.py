"""What communication does by the passing of time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hrx.ops.communication import contacts, subscriptions
from hrx.ops.communication.action_items import ACTION_DUE, remind
from hrx.ops.communication.maintenance import MAINTENANCE, keep_window
from hrx.ops.communication.post_mortem_reminding import ask
from hrx.ops.communication.post_mortems import DUE
from hrx.ops.communication.publishing import write_status
from hrx.ops.communication.reminding import keep_rhythm
from hrx.ops.communication.speaking import CADENCE
from hrx.ops.run.plane import Plane
from hrx.ops.tick import Decision, Round


def keep_status_page(plane: Plane) -> None:
    """The page says what is so now."""
    write_status(plane)


def keep_subscribers(plane: Plane) -> None:
    """Readers' wishes are done, and those who never confirmed are forgotten."""
    subscriptions.take_requests(plane)
    subscriptions.forget_unconfirmed(plane)


DECISIONS: Final[Mapping[str, Decision]] = {
    CADENCE: keep_rhythm,
    DUE: ask,
    ACTION_DUE: remind,
    MAINTENANCE: keep_window,
    contacts.CONTACTS: contacts.ask,
    subscriptions.TELL: subscriptions.tell_batch,
}
ROUNDS: Final[tuple[Round, ...]] = (keep_status_page, contacts.ensure_timer, keep_subscribers)
