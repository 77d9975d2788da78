"""Advisories on this disk as a source of answers, with how old they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.release.building.locks import Package
from hrx.ops.release.checking.auditing.advisories import Found, search
from hrx.ops.release.checking.auditing.judging import Answer
from hrx.ops.settings import OpsSettings


def ask_disk(settings: OpsSettings, packages: Sequence[Package], *, ecosystem: str) -> Answer | None:
    """None when no folder is set."""
    folder = settings.advisories_dir
    if folder is None:
        return None
    try:
        found = search(folder, packages, ecosystem=ecosystem)
        is_there = folder.is_dir()
    except OSError as error:
        return Answer(who=Text("", ""), unknown=_unreadable(str(folder), error.strerror or str(error)))
    if not is_there:
        return Answer(who=Text("", ""), unknown=_unreadable(str(folder), "no such folder"))
    at = f"{found.newest_at:%Y-%m-%d}" if found.newest_at else "-"
    who = Text(
        ja=f"手元のアドバイザリ {found.read} 件({at} 現在)",
        en=f"{found.read} advisories on this disk as of {at}",
    )
    return Answer(who=who, holes=found.holes, unknown=_why_not_enough(found, settings, ecosystem=ecosystem))


def _why_not_enough(found: Found, settings: OpsSettings, *, ecosystem: str) -> Text | None:
    if found.unreadable:
        names = ", ".join(found.unreadable[:3])
        return Text(
            ja=f"読めないアドバイザリが {len(found.unreadable)} 件({names})",
            en=f"{len(found.unreadable)} advisories cannot be read ({names})",
        )
    if found.newest_at is None:
        return Text(
            ja=f"{ecosystem} のアドバイザリが 1 件もありません",
            en=f"the folder holds no advisory about {ecosystem}",
        )
    if clock.now() - found.newest_at > timedelta(days=settings.advisories_max_age_days):
        at = f"{found.newest_at:%Y-%m-%d}"
        return Text(ja=f"アドバイザリが {at} のもので古い", en=f"the advisories are of {at}, too old")
    return None


def _unreadable(folder: str, why: str) -> Text:
    return Text(ja=f"{folder} を読めません({why})", en=f"{folder} cannot be read ({why})")
