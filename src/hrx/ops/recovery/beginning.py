"""Beginning anew on purpose: what remembers the old database is set aside, so that another one may come up.

Backups and change records of two histories must never lie in one place: files of one would be taken for those
of the other, which has the same names. Nothing is deleted; a rename brings all of it back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hrx.kit.errors import Conflict, Invalid, Refused, Text, Unavailable
from hrx.ops.ledger.entries import Kind, Ledger
from hrx.ops.recovery.remembering import SUBJECT, SiteMemory
from hrx.ops.recovery.site import Site
from hrx.ops.targets.machine.identity import Marker

#: What is typed where nothing says which system it was.
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """One file or folder, and where it is now."""

    was: Path
    now: Path


def list_remembered(site: Site) -> frozenset[str]:
    """The systems that anything here remembers, the marker included."""
    marker = Marker.read(site.cluster_at(site.layout.postgres_data, port=0).marker)
    known = {one.system_identifier or UNKNOWN for one in SiteMemory(site).recall()}
    if marker is not None:
        known.add(marker.system_identifier or UNKNOWN)
    return frozenset(known)


def require_may_begin(site: Site, system: str) -> None:
    """Raises Conflict while the database runs, Invalid for a system that nothing remembers, Refused while the
    configured location elsewhere still holds a copy."""
    if site.cluster_at(site.layout.postgres_data, port=0).is_running():
        raise Conflict(
            Text(ja="データベースが動いています。", en="The database is running."),
            hint=Text(ja="`make down` で止めてから実行してください。", en="Stop it with `make down` first."),
            code="recovery.database_runs",
        )
    remembered = list_remembered(site)
    if system not in remembered:
        names = ", ".join(sorted(remembered)) or "-"
        raise Invalid(
            Text(ja=f"システム {system} は知られていません。", en=f"Nothing here remembers system {system}."),
            hint=Text(ja=f"知られているもの: {names}", en=f"Remembered: {names}"),
            code="recovery.system_unknown",
        )
    if site.settings.offsite_url is not None and any(True for _ in SiteMemory(site).recall_elsewhere()):
        raise Refused(
            Text(
                ja=f"別の場所の写し {site.settings.offsite_url} に以前のバックアップがあります。",
                en=f"The copy at {site.settings.offsite_url} holds the older backups.",
            ),
            hint=Text(
                ja="新しいデータベースの写しには別の接頭辞を HRX_OFFSITE_URL に設定してください。",
                en="Set HRX_OFFSITE_URL to another prefix for the new database's copy.",
            ),
            code="recovery.copy_elsewhere_in_the_way",
        )


def list_in_the_way(site: Site, *, keep_data: bool) -> list[Path]:
    """What would be set aside: only what is there."""
    data = site.layout.postgres_data
    cluster = site.cluster_at(data, port=0)
    wanted = [
        *([] if keep_data else [data]),
        cluster.marker,
        site.position_file,
        site.received_dir,
        site.archived_dir,
        site.backup_dir,
    ]
    return [path for path in wanted if path.exists()]


def begin_anew(
    site: Site, ledger: Ledger | None, *, system: str, keep_data: bool, actor: str, at: datetime
) -> list[SetAside]:
    """Set all of it aside; may be run again after a failure. Raises what `require_may_begin` does, and
    Unavailable when something cannot be moved, such as a backup folder that is a disk of its own."""
    require_may_begin(site, system)
    moved = list(_move(list_in_the_way(site, keep_data=keep_data), suffix=f".{at:%Y%m%dT%H%M%SZ}.set-aside"))
    if ledger is not None:
        body = {"what": "begun anew", "system_identifier": system, "kept_data": keep_data}
        ledger.append(Kind.DATABASE, actor=actor, subject=SUBJECT, body=body)
    return moved


def _move(paths: list[Path], *, suffix: str) -> Iterator[SetAside]:
    # The memories go last: until then an empty database is still refused.
    for path in sorted(paths, key=lambda one: one.name.endswith((".marker", "position.json"))):
        aside = path.with_name(path.name + suffix)
        try:
            path.rename(aside)
        except OSError as error:
            raise Unavailable(
                Text(
                    ja=f"{path} を脇へ移せません: {error}",
                    en=f"{path} cannot be set aside: {error}",
                ),
                hint=Text(
                    ja="ディスクの直下であれば、HRX_BACKUP_DIR にその中の空のフォルダを設定して、"
                    "もう一度実行してください。",
                    en="If it is a disk of its own, set HRX_BACKUP_DIR to an empty folder on it, "
                    "and run this again.",
                ),
                code="recovery.not_set_aside",
            ) from error
        yield SetAside(was=path, now=aside)
