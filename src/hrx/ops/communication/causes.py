"""A person's word for the cause, in words that readers may see; until then only triage can support one."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Invalid, Text
from hrx.ops.incidents.lifecycle import change_within
from hrx.ops.ledger.incidents import Incident, get_within
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.run.plane import Plane

_CHARS: Final = 500


def confirm_cause(plane: Plane, incident_id: int, *, says: Text, basis: str, actor: Actor) -> Incident:
    """Stand by a cause: what it is, in both languages, and what that rests on. Replaces an earlier one."""
    require(actor, Permission.PLAN_AND_RUN)
    said = Text(ja=says.ja.strip(), en=says.en.strip())
    parts = (said.ja, said.en, basis.strip())
    if not all(parts) or max(map(len, parts)) > _CHARS:
        raise Invalid(
            Text(
                ja="原因を日本語と英語で、根拠とともに書いてください(各 500 文字以内)",
                en="Give the cause in Japanese and English and what it rests on, 500 characters each at most",
            ),
            code="communication.bad_cause",
        )
    with plane.ledger.store.write() as connection:
        found = get_within(connection, incident_id)
        cause = {
            "ja": said.ja,
            "en": said.en,
            "basis": basis.strip(),
            "by": actor.name,
            "at": clock.now().isoformat(timespec="seconds"),
        }
        return change_within(
            plane,
            connection,
            replace(found, body={**found.body, "cause": cause}),
            change="cause_confirmed",
            actor=actor.name,
            facts={
                "basis": basis.strip(),
                "message": {
                    "ja": f"原因を確認しました: {said.ja}(根拠: {basis.strip()})",
                    "en": f"Confirmed the cause: {said.en} (it rests on: {basis.strip()})",
                },
            },
        )
