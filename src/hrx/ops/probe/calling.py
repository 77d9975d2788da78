"""Calling people without the plane: the first who can be reached, and the place where everybody looks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from hrx.kit.errors import HrxError, Text
from hrx.ops.observe.standby import Reach, Standby, read_standby
from hrx.ops.probe.guarding import PLANE_CONDITION, Watch

_log = logging.getLogger("hrx.ops.probe")
_PLACE = "place:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is told. `dedup_key` is the condition: a pager joins it with the plane's own page for that."""

    dedup_key: str
    title: Text
    line: Text
    since: datetime


#: Delivers one call one way; raises HrxError when it was not delivered.
Deliver = Callable[[Reach, Call], None]


class Caller:
    """Knows whom to call from the last good file, also when that file is gone later."""

    def __init__(self, *, standby: Path, deliver: Deliver) -> None:
        self._path = standby
        self._deliver = deliver
        self._known: Standby | None = None

    def remember(self) -> Standby | None:
        """Read the file again; keeps what was known when it cannot be read."""
        self._known = read_standby(self._path) or self._known
        return self._known

    def call(self, call: Call) -> bool:
        """Call until somebody was reached, and every place; gives whether anybody was."""
        known = self.remember()
        if known is None:
            _log.error("probe.nobody_to_call", extra={"fields": {"condition": call.dedup_key}})
            return False
        places = [one for one in known.reach if one.recipient.startswith(_PLACE)]
        people = [one for one in known.reach if not one.recipient.startswith(_PLACE)]
        reached = [self._try(one, call) for one in places]
        return self._until_reached(people, call) or any(reached)

    def _until_reached(self, reach: Sequence[Reach], call: Call) -> bool:
        return any(self._try(one, call) for one in reach)

    def _try(self, reach: Reach, call: Call) -> bool:
        fields = {"recipient": reach.recipient, "channel": reach.channel, "condition": call.dedup_key}
        try:
            self._deliver(reach, call)
        except HrxError as error:
            _log.warning("probe.not_called", extra={"fields": {**fields, "code": error.stable_code}})
            return False
        _log.warning("probe.called", extra={"fields": fields})
        return True


def make_call(condition: str, *, says: Text | None, since: datetime) -> Call:
    """The words of a call for a condition of ours."""
    if condition == PLANE_CONDITION:
        title = Text(
            ja="[SEV1] 運用コンソールが応答しません", en="[SEV1] The operations plane does not answer"
        )
        line = Text(
            ja=f"{since:%H:%M:%S} (UTC) から応答がなく、外部監視が代わりに通知しています。",
            en=f"Silent since {since:%H:%M:%S} UTC; the outside probe pages in its place.",
        )
    else:
        said = says or Text(ja=condition, en=condition)
        title = Text(ja=f"[SEV1] {said.ja}", en=f"[SEV1] {said.en}")
        line = Text(
            ja="運用コンソールが応答しないため、外部監視が通知しています。",
            en="The operations plane does not answer; the outside probe pages in its place.",
        )
    return Call(dedup_key=condition, title=title, line=line, since=since)


def keep_watch(path: Path, watch: Watch) -> None:
    """Keep what was paged, so that a restart of the probe does not page it again."""
    document = {
        "heard_at": watch.heard_at.isoformat(),
        "silent_since": watch.silent_since.isoformat() if watch.silent_since else None,
        "paged": sorted(watch.paged),
    }
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_bytes(orjson.dumps(document))
    draft.replace(path)


def recall_watch(path: Path, *, now: datetime) -> Watch:
    """Where the guard stood before our own restart; a fresh watch when nothing is known."""
    try:
        found = orjson.loads(path.read_bytes())
        since = found["silent_since"]
        return Watch(
            heard_at=datetime.fromisoformat(found["heard_at"]) if since else now,
            is_silent=since is not None,
            silent_since=datetime.fromisoformat(since) if since else None,
            paged=frozenset(str(item) for item in found["paged"]) if since else frozenset(),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Watch(heard_at=now)
