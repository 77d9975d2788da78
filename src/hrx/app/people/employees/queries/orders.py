"""Change orders as people read them: who asked, why, what changes, who decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.names import Locale, display_name
from hrx.app.platform.tenancy import Principal
from hrx.kit.errors import NotFound, Text

Order = dict[str, object]

ORDER_JSON: Final = """
json_build_object(
  'id', c.id, 'kind', c.kind, 'state', c.state, 'person_id', c.person_id,
  'p_kanji', concat_ws(' ', nullif(cp.family_kanji, ''), nullif(cp.given_kanji, '')),
  'p_latin', concat_ws(' ', nullif(cp.given_latin, ''), nullif(cp.family_latin, '')),
  'p_is_seen', cp.id IS NOT NULL, 'org_unit_id', c.org_unit_id, 'effective_on', c.effective_on,
  'reason', c.reason, 'requested_by', c.requested_by, 'requester', cr.display_name,
  'requested_at', c.requested_at, 'approved_by', c.approved_by, 'approver', ca.display_name,
  'approved_at', c.approved_at, 'closing_note', c.closing_note, 'closed_at', c.closed_at,
  'applied_at', c.applied_at, 'changes', c.changes)
"""
#: Only primary keys are joined.
ORDER_SOURCE: Final = """
app.change_order AS c
LEFT JOIN app.person AS cp ON cp.id = c.person_id
LEFT JOIN app.user_account AS cr ON cr.id = c.requested_by
LEFT JOIN app.user_account AS ca ON ca.id = c.approved_by
"""

_KINDS: Final[Mapping[str, Text]] = {
    "hire": Text(ja="入社", en="Hire"),
    "rehire": Text(ja="再入社", en="Rehire"),
    "transfer": Text(ja="異動", en="Transfer"),
    "concurrent_post": Text(ja="兼務", en="Concurrent post"),
    "concurrent_end": Text(ja="兼務解除", en="End of a concurrent post"),
    "departure": Text(ja="退職", en="Departure"),
    "correction": Text(ja="訂正", en="Correction"),
    "import": Text(ja="取り込み", en="Import"),
    "unit_create": Text(ja="組織の新設", en="New org unit"),
    "unit_rename": Text(ja="組織の名称変更", en="Org unit renamed"),
    "unit_move": Text(ja="組織の移動", en="Org unit moved"),
    "unit_head": Text(ja="組織長の変更", en="New head of an org unit"),
    "unit_close": Text(ja="組織の廃止", en="Org unit closed"),
    "position_create": Text(ja="役職の新設", en="New position"),
}


class ChangeOrderNotFound(NotFound):
    """No such order, or none that the reader may see."""

    code = "change_order.not_found"


def order_not_found() -> ChangeOrderNotFound:
    return ChangeOrderNotFound(Text(ja="その発令は見つかりません。", en="This change order was not found."))


_BY_ID: Final = text(f"SELECT {ORDER_JSON} FROM {ORDER_SOURCE} WHERE c.id = :order_id")  # noqa: S608
# Indexes: change_order_newest, change_order_of_person.
_LIST: Final = f"SELECT {ORDER_JSON} FROM {ORDER_SOURCE} WHERE {{conditions}} ORDER BY c.id DESC LIMIT :limit"  # noqa: S608
_COUNT: Final = "SELECT count(*) FROM app.change_order AS c WHERE {conditions}"


async def get_order(session: AsyncSession, order_id: int) -> Order:
    """Raises ChangeOrderNotFound."""
    principal: Principal = session.info["principal"]
    raw = await session.scalar(_BY_ID, {"order_id": order_id})
    if raw is None:
        raise order_not_found()
    return shape_order(raw, locale=principal.locale)


async def list_orders(
    session: AsyncSession,
    *,
    state: str | None,
    person_id: int | None,
    before_id: int | None,
    limit: int,
) -> tuple[list[Order], int, int | None]:
    """A page of orders, newest first, the total, and the id after which the next page begins."""
    principal: Principal = session.info["principal"]
    conditions = ["true"]
    parameters: dict[str, object] = {}
    if state is not None:
        conditions.append("c.state = :state")
        parameters["state"] = state
    if person_id is not None:
        conditions.append("c.person_id = :person_id")
        parameters["person_id"] = person_id
    count = text(_COUNT.replace("{conditions}", " AND ".join(conditions)))
    total = int(await session.scalar(count, parameters) or 0)
    if before_id is not None:
        conditions.append("c.id < :before_id")
        parameters["before_id"] = before_id
    listing = text(_LIST.replace("{conditions}", " AND ".join(conditions)))
    rows = (await session.scalars(listing, {**parameters, "limit": limit + 1})).all()
    shown = [shape_order(raw, locale=principal.locale) for raw in rows[:limit]]
    return shown, total, rows[limit - 1]["id"] if len(rows) > limit else None


def shape_order(raw: Mapping[str, Any], *, locale: Locale) -> Order:
    """An order in the reader's language."""
    changes = [
        {
            "field": change["field"],
            "before": _label(change["before"], locale),
            "after": _label(change["after"], locale),
        }
        for change in raw["changes"]
    ]
    person = None
    if raw["person_id"] is not None and raw["p_is_seen"]:
        person = {
            "id": raw["person_id"],
            "name": display_name(kanji=raw["p_kanji"], latin=raw["p_latin"], locale=locale),
        }
    return {
        "id": raw["id"],
        "kind": raw["kind"],
        "state": raw["state"],
        "person": person,
        "org_unit_id": raw["org_unit_id"],
        "effective_on": raw["effective_on"],
        "reason": raw["reason"],
        "requested_by": _user(raw["requested_by"], raw["requester"]),
        "requested_at": raw["requested_at"],
        "approved_by": _user(raw["approved_by"], raw["approver"]),
        "approved_at": raw["approved_at"],
        "closed_at": raw["closed_at"],
        "closing_note": raw["closing_note"],
        "applied_at": raw["applied_at"],
        "summary": _summary(raw["kind"], person, changes, locale),
        "changes": changes,
    }


def _summary(
    kind: str, person: Mapping[str, object] | None, changes: list[dict[str, Any]], locale: Locale
) -> str:
    """異動 山田 太郎: 第一営業部 → 開発部"""
    head = _KINDS[kind].in_language(locale)
    if person is not None:
        head = f"{head} {person['name']}" if locale == "ja" else f"{head}: {person['name']}"
    telling = {"name", "parent", "head"} if person is None else {"org_unit", "left_on"}
    moved = next((c for c in changes if c["field"] in telling), None)
    if moved is None:
        return head
    steps = [str(moved[side]) for side in ("before", "after") if moved[side] is not None]
    return f"{head}: {' → '.join(steps)}" if locale == "ja" else f"{head}, {' → '.join(steps)}"


def _user(user_id: int | None, name: str | None) -> dict[str, object] | None:
    return None if user_id is None else {"id": user_id, "name": name or ""}


def _label(value: Any, locale: Locale) -> str | None:
    """A stored label: nothing, a plain value, or a name in both languages."""
    if value is None:
        return None
    if isinstance(value, dict):
        ja, en = value.get("ja") or "", value.get("en") or ""
        return (ja or en) if locale == "ja" else (en or ja)
    return str(value)
