"""Whether the product's own rules hold in a copy: what its schema promises but cannot force, and its audit
trails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hrx.kit.errors import Text
from hrx.ops.recovery.checks.findings import Finding, name_some
from hrx.ops.seams.sessions import Session

_LINKS_AT_ONCE: Final = 20_000
_INTEGRITY: Final = Text(ja="製品の整合性", en="The product's own rules")
_AUDIT: Final = Text(ja="監査記録の連鎖", en="Audit trails")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """Where one tenant's audit trail ended when somebody outside the database looked."""

    seq: int
    hash: str
    sealed_at: datetime


def read_heads(session: Session) -> dict[int, AuditHead]:
    """The ends of all trails now, by tenant; kept outside, they show a trail that was cut off."""
    return {
        tenant: AuditHead(seq=seq, hash=digest, sealed_at=sealed_at)
        for tenant, seq, digest, sealed_at in session.rows(
            "SELECT tenant_id, seq, head_hash, sealed_at FROM seam.audit_chain"
        )
    }


def check_integrity(session: Session) -> Finding:
    """Every row of the view `seam.integrity`: the application writes the rules, this reads their counts."""
    if session.row("SELECT to_regclass('seam.integrity') IS NOT NULL") != (True,):
        return _no_product("integrity", _INTEGRITY)
    found = session.rows("SELECT check_name, violations FROM seam.integrity ORDER BY check_name")
    broken = [(name, count) for name, count in found if count]
    named = name_some([f"{name} {count}" for name, count in broken])
    said = (
        Text(ja=f"守られていない規則があります: {named.ja}", en=f"Rules are broken: {named.en}")
        if broken
        else Text(ja=f"{len(found)} 個の規則がすべて守られています", en=f"All {len(found)} rules hold")
    )
    return Finding(
        code="integrity",
        is_well=bool(found) and not broken,
        title=_INTEGRITY,
        said=said,
        figures={"rules": len(found), "broken": len(broken), **dict(broken)},
    )


def check_audit(session: Session, *, heads: Mapping[int, AuditHead], until: datetime | None) -> Finding:
    """Every link of every tenant's trail, and the ends that were seen from outside before `until`."""
    if session.row("SELECT to_regclass('app.audit_link') IS NOT NULL") != (True,):
        return _no_product("audit", _AUDIT)
    problems: list[str] = []
    links = 0
    tenants = [tenant for (tenant,) in session.rows("SELECT id FROM app.tenant ORDER BY id")]
    for tenant in tenants:
        checked, broken = _walk(session, tenant)
        links += checked
        if broken is not None:
            problems.append(f"tenant {tenant}: entry {broken}")
        unlinked = session.row("SELECT app.find_unlinked_audit_entry(%(tenant)s::bigint)", {"tenant": tenant})
        if unlinked and unlinked[0] is not None:
            problems.append(f"tenant {tenant}: unlinked entry {unlinked[0]}")
    for tenant, head in heads.items():
        if until is not None and head.sealed_at > until:
            continue
        kept = session.row(
            "SELECT encode(hash, 'hex') FROM app.audit_link WHERE tenant_id = %(tenant)s AND seq = %(seq)s",
            {"tenant": tenant, "seq": head.seq},
        )
        if kept is None or kept[0] != head.hash:
            problems.append(f"tenant {tenant}: head {head.seq}")
    named = name_some(problems)
    said = (
        Text(ja=f"連鎖が切れています: {named.ja}", en=f"Trails are broken: {named.en}")
        if problems
        else Text(
            ja=f"{len(tenants)} テナントの {links:,} 件がすべてつながっています",
            en=f"All {links:,} links of {len(tenants)} tenants hold",
        )
    )
    return Finding(
        code="audit",
        is_well=not problems,
        title=_AUDIT,
        said=said,
        figures={"tenants": len(tenants), "links": links, "heads": len(heads), "broken": len(problems)},
    )


def _walk(session: Session, tenant: int) -> tuple[int, int | None]:
    """How many links hold, and the entry where the trail first breaks."""
    seq = 0
    # `Any`: bytes of the driver's own kind.
    previous: Any = (session.row(f"SELECT sha256(convert_to('hrx.audit:{int(tenant)}', 'UTF8'))") or (b"",))[
        0
    ]
    while True:
        row = session.row(
            "SELECT checked, last_seq, last_hash, first_broken_entry_id"
            " FROM app.verify_audit_links(%(tenant)s, %(seq)s, %(previous)s, %(batch)s)",
            {"tenant": tenant, "seq": seq, "previous": previous, "batch": _LINKS_AT_ONCE},
        )
        if row is None or not row[0]:
            break
        if row[3] is not None:
            return seq, int(row[3])
        seq, previous = int(row[1]), row[2]
    head = session.row("SELECT seq FROM app.audit_head WHERE tenant_id = %(tenant)s", {"tenant": tenant})
    if head is not None and head[0] != seq:
        last = session.row("SELECT max(entry_id) FROM app.audit_link WHERE tenant_id = %(t)s", {"t": tenant})
        return seq, int(last[0] or 0) if last else 0
    return seq, None


def _no_product(code: str, title: Text) -> Finding:
    return Finding(
        code=code,
        is_well=False,
        title=title,
        said=Text(
            ja="製品の表がありません。この時点では、まだ作られていません",
            en="The product's tables are not there: at this moment they had not been made",
        ),
    )
