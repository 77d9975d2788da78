"""What a restore of a backup showed: recorded beside the backups in plain, without anybody's data.

A backup that was never restored and checked is unproven, and counts as missing after a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from hrx.kit.errors import Text
from hrx.ops.recovery.places import Folder
from hrx.ops.recovery.wal import format_lsn, parse_lsn

#: An unproven backup counts as missing from then on (issue 4).
PROVEN_WITHIN: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One restore of one backup. `seconds` by stage; `data_bytes` were unpacked, `records_bytes` of change
    records replayed; `reached`: a position; `findings` as the checks tell them (`Finding.as_dict`).

    `failure`: what the restore itself stumbled over, naming the file; None when it came up."""

    backup_id: str
    began_at: datetime
    ended_at: datetime
    is_well: bool
    seconds: Mapping[str, float]
    data_bytes: int
    records_bytes: int
    reached: int | None = None
    last_commit_at: datetime | None = None
    findings: tuple[Mapping[str, Any], ...] = field(default=())
    failure: Text | None = None

    @property
    def name(self) -> str:
        return f"proofs/{self.backup_id}/{self.ended_at:%Y%m%dT%H%M%S%f}Z.json"

    @property
    def total_s(self) -> float:
        return sum(self.seconds.values())

    def why_not(self) -> Text | None:
        """What is wrong with the backup, in words; None when it is well."""
        if self.failure is not None or self.is_well:
            return self.failure
        said = [one["said"] for one in self.findings if not one["is_well"]]
        return Text(ja="。".join(one["ja"] for one in said), en="; ".join(one["en"] for one in said))


def write_proof(folder: Folder, proof: Proof) -> None:
    """Raises PlaceUnavailable."""
    told: dict[str, Any] = {name: getattr(proof, name) for name in Proof.__dataclass_fields__}
    told["reached"] = None if proof.reached is None else format_lsn(proof.reached)
    told["failure"] = {"ja": proof.failure.ja, "en": proof.failure.en} if proof.failure else None
    with folder.writing(proof.name) as file:
        file.write(orjson.dumps(told, option=orjson.OPT_INDENT_2))


def list_proofs(folder: Folder) -> list[Proof]:
    """Every proof, oldest first."""
    names = [name for name in folder.list_names("proofs") if name.endswith(".json")]
    return sorted((_read(folder, name) for name in names), key=lambda one: one.ended_at)


def find_newest_proofs(proofs: list[Proof]) -> dict[str, Proof]:
    """By backup: the newest, well or not."""
    return {one.backup_id: one for one in sorted(proofs, key=lambda one: one.ended_at)}


def _read(folder: Folder, name: str) -> Proof:
    with folder.reading(name) as file:
        told: dict[str, Any] = orjson.loads(file.read())
    moments = {
        key: datetime.fromisoformat(told[key]) if told[key] else None
        for key in ("began_at", "ended_at", "last_commit_at")
    }
    return Proof(
        **{
            **told,
            **moments,
            "reached": parse_lsn(told["reached"]) if told["reached"] else None,
            "findings": tuple(told["findings"]),
            "failure": Text(**told["failure"]) if told["failure"] else None,
        }
    )
