"""Powers over restored copies: made beside the living system, compared with it. Nothing living is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from hrx.kit.errors import Conflict, Text
from hrx.ops.ledger.entries import Kind
from hrx.ops.recovery import copies, switching
from hrx.ops.recovery.comparing_copies import compare_with_living, tell_copy
from hrx.ops.recovery.copies import CopyFacts
from hrx.ops.recovery.moments import finder
from hrx.ops.recovery.previewing import Preview, preview_restore
from hrx.ops.recovery.records import ship
from hrx.ops.recovery.site import Site, open_site
from hrx.ops.run.acting.spec import ActionSpec, Evidence
from hrx.ops.run.plane import Plane

Params = Mapping[str, str]


def find_moment_state(plane: Plane, params: Params) -> str:
    """What a plan rests on: which moment is meant, that it can be restored, and that the name is free.

    Raises Invalid, NotFound, NotRestorable, Conflict."""
    site = open_site(plane.settings)
    copies.check_name(params["copy"])
    if _find_well(site, params["copy"]) is not None:
        raise _there_already(params["copy"])
    return _preview(plane, site, params).meant.words.en


def _restore(plane: Plane, params: Params, timeout_s: float) -> Evidence:
    site, name = open_site(plane.settings), params["copy"]
    found = _find_well(site, name)
    if found is not None:
        if found.said != params["to"]:
            raise _there_already(name)
        # This step was done before the run was cut off.
        return {**_tell(found), "again": True}
    ship(site.vault, site.received_dir)
    preview = _preview(plane, site, params)
    facts = copies.restore_copy(
        site, preview.plan, preview.meant, name=name, said=params["to"], timeout_s=timeout_s
    )
    plane.ledger.append(Kind.COPY_RESTORED, actor="run", subject="backups", body=tell_copy(facts))
    return _tell(facts)


def _compare(plane: Plane, params: Params, _timeout_s: float) -> Evidence:
    found = compare_with_living(open_site(plane.settings), params["copy"])
    counts = found.counts
    return {
        "is_living_known": found.is_living_known,
        "lost": counts.lost,
        "regained": counts.regained,
        "changed": counts.changed,
    }


def _prove(plane: Plane, params: Params, _timeout_s: float) -> Evidence:
    """Raises Refused when a check of the copy found something wrong."""
    site = open_site(plane.settings)
    facts = switching.require_good(site, params["copy"])
    with copies.opened_copy(site, params["copy"]) as session:
        row = session.row(
            "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool"
        )
    return {**_tell(facts), "is_read_only": bool(row and row[0])}


def _preview(plane: Plane, site: Site, params: Params) -> Preview:
    return preview_restore(site, params["to"], find_moment=finder(plane.ledger, site.folder))


def _find_well(site: Site, name: str) -> CopyFacts | None:
    return next((one for one in copies.list_copies(site) if one.name == name and one.is_well), None)


def _tell(facts: CopyFacts) -> dict[str, object]:
    last = facts.last_commit_at
    return {
        "copy": facts.name,
        "state": facts.state.value,
        "last_transaction": last.isoformat() if last else None,
        "seconds": round(sum(facts.seconds.values()), 1),
        "checks": len(facts.findings),
        "wrong": [one["code"] for one in copies.broken(facts)],
    }


def _there_already(name: str) -> Conflict:
    return Conflict(
        Text(ja=f"写し {name} はもうあります", en=f"There is a copy {name} already"),
        hint=Text(
            ja=f"別の名前にするか、`hrx recover remove {name}` で消します。",
            en=f"Choose another name, or remove it with `hrx recover remove {name}`.",
        ),
        code="recovery.copy_exists",
    )


def _spec(
    name: str,
    perform: Callable[[Plane, Params, float], Evidence],
    *params: str,
    ja: str,
    en: str,
    reads: bool = False,
) -> ActionSpec:
    return ActionSpec(
        id=f"recovery.{name}", title=Text(ja=ja, en=en), only_reads=reads, perform=perform, params=params
    )


ACTIONS: Final = (
    _spec(
        "restore_copy", _restore, "to", "copy", ja="写しを復元して調べる", en="Restore a copy and check it"
    ),
    _spec("compare_copy", _compare, "copy", ja="写しを今のデータと比べる", en="Compare the copy with today"),
    _spec(
        "prove_copy",
        _prove,
        "copy",
        ja="写しが検査に通り、読めることを確かめる",
        en="Prove that the copy passed its checks and can be read",
        reads=True,
    ),
)
