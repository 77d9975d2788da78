"""The roster as a calendar that people subscribe to, and the address by which a calendar program gets it.

The address carries a token in place of a sign-in, for calendar programs have none. It opens the roster and
nothing else, belongs to one operator, and is void when that operator is disabled or the plane's token is
replaced."""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Language, Text
from hrx.kit.secrets import list_accepted, newest
from hrx.ops.operators.accounts import find_operator
from hrx.ops.paging.roster import list_rotations
from hrx.ops.paging.roster_words import name_person
from hrx.ops.run.plane import Plane
from hrx.ops.schedules.calendar_files import Entry, write_calendar

_BEHIND: Final = timedelta(days=14)
AHEAD: Final = timedelta(days=120)
#: No shift is longer.
_LONGEST: Final = timedelta(days=60)
_TITLE: Final = Text(ja="HRX-AI 当番", en="HRX-AI on call")
_MARK: Final = Text(ja="(交代)", en=" (override)")


def write_roster(
    plane: Plane, *, language: Language, rotation: str | None = None, person: str | None = None
) -> bytes:
    """Two weeks back and four months ahead; of one rotation or one person when named. Raises NotFound."""
    now = clock.now()
    if person is not None:
        plane.content.contacts.get(person)
    # From earlier and until later than shown: a shift that is cut off would change from hour to hour.
    found = list_rotations(
        plane, start=now - _BEHIND - _LONGEST, end=now + AHEAD + _LONGEST, rotation=rotation
    )
    entries = [
        Entry(
            rotation=one.rotation.id,
            shift=shift,
            summary=(
                f"{one.rotation.title.in_language(language)}: "
                f"{name_person(plane.content, shift.person).in_language(language)}"
                + (_MARK.in_language(language) if shift.layer is None else "")
            ),
        )
        for one in found
        for shift in one.shifts
        if (person is None or shift.person == person)
        and shift.end > now - _BEHIND
        and shift.start < now + AHEAD
    ]
    url = f"{plane.settings.ops_public_url}/on-call" if plane.settings.ops_public_url else ""
    return write_calendar(entries, title=_TITLE.in_language(language), made_at=now, url=url)


def find_feed_token(plane: Plane, operator: str) -> str | None:
    """The token of an operator's calendar address; None when the plane has no token to make one from."""
    secret = plane.settings.ops_hook_token
    if secret is None:
        return None
    return _make_feed_token(newest(secret.get_secret_value()), operator)


def _make_feed_token(key: str, operator: str) -> str:
    return hmac.new(key.encode(), f"on-call feed of {operator}".encode(), "sha256").hexdigest()[:40]


def is_feed_token(plane: Plane, *, operator: str, token: str) -> bool:
    """Whether this address was given to this operator, who is still one."""
    secret = plane.settings.ops_hook_token
    # While the hook's token is rotated, addresses that were made from the former one go on.
    expected = (
        [_make_feed_token(one, operator) for one in list_accepted(secret.get_secret_value())]
        if secret
        else []
    )
    if not any(hmac.compare_digest(one.encode(), token.encode()) for one in expected):
        return False
    found = find_operator(plane.ledger, operator)
    return found is not None and found.is_enabled
