"""Everything outside the data directory that knows this machine's database: whoever would make an empty one
in its place is refused by these (see `targets/machine/identity.py`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import orjson

from hrx.kit.errors import HrxError, Text
from hrx.ops.ledger.entries import Kind, open_ledger
from hrx.ops.ledger.store import file_of
from hrx.ops.recovery.elsewhere import open_elsewhere
from hrx.ops.recovery.places import Place
from hrx.ops.recovery.records import list_received, partial_of
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.wal import parse_lsn
from hrx.ops.targets.machine.identity import Control, Known

SUBJECT: Final = "database"
_FACTS: Final = "/backup.json"
#: In the long header of a segment's first page: magic, info, timeline, address, rest; then the system.
_SYSTEM_AT: Final = 24


@dataclass(frozen=True, slots=True)
class SiteMemory:
    """What this machine and its backups remember. Implements `identity.Memory`."""

    site: Site

    def last_seen(self) -> Known | None:
        """From the file that the keeper of the backups writes each second."""
        try:
            told: dict[str, Any] = orjson.loads(self.site.position_file.read_bytes())
            return Known(
                where=Text(ja="直近の位置の記録", en="the record of its last position"),
                system_identifier=str(told["system_identifier"]),
                timeline=int(told["timeline"]),
                position=parse_lsn(str(told["flushed_lsn"])),
                at=datetime.fromisoformat(told["seen_at"]),
            )
        except (OSError, ValueError, KeyError, TypeError, HrxError):
            return None

    def recall(self) -> list[Known]:
        """All of it; the copy elsewhere is asked over the network, when it is configured."""
        return [
            *self._position(),
            *self._received(),
            *self._vault(),
            *self._ledger(),
            *self.recall_elsewhere(),
        ]

    def _position(self) -> Iterator[Known]:
        seen = self.last_seen()
        if seen is not None:
            yield seen
        elif self.site.position_file.exists():
            yield Known(where=Text(ja="読めない位置の記録", en="an unreadable record of its last position"))

    def _received(self) -> Iterator[Known]:
        for folder in (self.site.received_dir, self.site.archived_dir):
            whole, filling = list_received(folder)
            newest = filling or (whole[-1] if whole else None)
            if newest is None:
                continue
            path = folder / newest.name
            yield Known(
                where=Text(ja=f"受け取った変更の記録 {folder.name}", en=f"received records in {folder.name}"),
                system_identifier=_read_system(partial_of(path) if filling else path),
                timeline=newest.timeline,
                position=newest.start,
            )

    def _vault(self) -> Iterator[Known]:
        where = self.site.backup_dir
        yield from _ask(
            self.site.folder,
            where=Text(ja=f"バックアップ {where}", en=f"the backups in {where}"),
        )

    def _ledger(self) -> Iterator[Known]:
        url = self.site.settings.ledger_location
        path = file_of(url)
        if path is not None and not path.exists():
            return
        ledger = open_ledger(url)
        try:
            found = ledger.find_last(Kind.DATABASE, subject=SUBJECT)
        finally:
            ledger.store.close()
        if found is not None and found.body.get("what") == "seen":
            yield Known(
                where=Text(ja="運用の台帳", en="the ledger"),
                system_identifier=str(found.body["system_identifier"]),
                timeline=int(str(found.body["timeline"])),
                at=found.at,
            )

    def recall_elsewhere(self) -> Iterator[Known]:
        """What the configured location elsewhere knows; that it cannot be asked counts as knowing."""
        if self.site.settings.offsite_url is None:
            return
        where = self.site.settings.offsite_url
        try:
            place, where = open_elsewhere(self.site)
            yield from _ask(place, where=Text(ja=f"別の場所の写し {where}", en=f"the copy at {where}"))
        # Who does not answer may know one: an empty database is not made on a guess.
        except HrxError as error:
            yield Known(
                where=Text(
                    ja=f"別の場所の写し {where}(確認できません: {error.message.ja})",
                    en=f"perhaps the copy at {where}, which cannot be asked ({error.message.en})",
                )
            )


def note_seen(site: Site, control: Control) -> None:
    """Record in the ledger which system runs here, when it or its timeline is another than recorded."""
    body = {
        "what": "seen", "system_identifier": control.system_identifier, "timeline": control.timeline,
    }  # fmt: skip
    ledger = open_ledger(site.settings.ledger_location)
    try:
        last = ledger.find_last(Kind.DATABASE, subject=SUBJECT)
        if last is None or {name: last.body.get(name) for name in body} != body:
            ledger.append(Kind.DATABASE, actor="hrx up", subject=SUBJECT, body=body)
    finally:
        ledger.store.close()


def _ask(place: Place, *, where: Text) -> Iterator[Known]:
    """The newest backup of a place; with no readable one, that there is something at all."""
    names = [one.name for one in place.list_files("base")]
    facts = sorted(name for name in names if name.endswith(_FACTS))
    for name in reversed(facts):
        told = _read_facts(place, name)
        if told is not None:
            yield Known(
                where=where,
                system_identifier=str(told["system_identifier"]),
                timeline=int(told["timeline"]),
                position=parse_lsn(str(told["end"])),
                at=datetime.fromisoformat(str(told["ended_at"])),
            )
            return
    if names or any(True for _ in place.list_files("wal")):
        yield Known(where=where)


def _read_facts(place: Place, name: str) -> Mapping[str, Any] | None:
    with TemporaryDirectory(prefix="hrx-remember-") as folder:
        path = Path(folder) / "backup.json"
        place.get_file(name, path)
        try:
            told: dict[str, Any] = orjson.loads(path.read_bytes())
            parse_lsn(str(told["end"]))
            datetime.fromisoformat(str(told["ended_at"]))
            return told if told["system_identifier"] and int(told["timeline"]) else None
        except (ValueError, KeyError, TypeError, HrxError):
            return None


def _read_system(path: Path) -> str | None:
    """Whose records a segment holds; None when it says nothing yet."""
    try:
        with path.open("rb") as file:
            file.seek(_SYSTEM_AT)
            number = int.from_bytes(file.read(8), "little")
    except OSError:
        return None
    return str(number) if number else None
