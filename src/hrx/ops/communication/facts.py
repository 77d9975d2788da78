"""What messages may say: facts of the ledger, and the few words that a person typed, marked as theirs.

Templates see nothing else: a sentence that is no fact and nobody's word cannot be rendered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hrx.kit import clock
from hrx.kit.errors import Invalid, Language, Text
from hrx.ops import words
from hrx.ops.communication.document import STATE_WORDS, Affected, list_affected
from hrx.ops.ledger.communications import Audience, NoticeState, list_notices
from hrx.ops.ledger.incidents import Incident
from hrx.ops.ledger.store import Connection
from hrx.ops.run.plane import Plane

_SAID_CHARS: Final = 1000
_NOTHING: Final = Text(ja="", en="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person typed. `expected_at` is their estimate of the recovery; it needs their `source`."""

    action: Text = _NOTHING
    workaround: Text = _NOTHING
    prevention: Text = _NOTHING
    expected_at: datetime | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseFact:
    """A cause that may be stated: `basis` says who or what stands behind it.

    `is_confirmed`: a person wrote these words for readers; triage's own words name parts."""

    says: Text
    basis: Text
    is_confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything a message about an incident can be made of, as of `now`."""

    now: datetime
    number: int
    title: Text
    severity: str
    state: Text
    features: tuple[Affected, ...]
    opened_at: datetime
    mitigated_at: datetime | None
    resolved_at: datetime | None
    recover_due_at: datetime | None
    owner: str
    manager: str
    cause: CauseFact | None
    told_at: datetime | None
    next_update_at: datetime | None
    said: Said

    @property
    def lasted(self) -> timedelta:
        """How long customers had it: until the symptom went, else until now."""
        return (self.mitigated_at or self.resolved_at or self.now) - self.opened_at

    @property
    def moments(self) -> tuple[datetime, ...]:
        """The moments that a message may name."""
        found = (
            self.now,
            self.opened_at,
            self.mitigated_at,
            self.resolved_at,
            self.recover_due_at,
            self.told_at,
            self.next_update_at,
            self.said.expected_at,
        )
        return tuple(at for at in found if at is not None)


def collect_facts(
    plane: Plane,
    connection: Connection,
    incident: Incident,
    *,
    next_update_at: datetime | None = None,
    said: Said | None = None,
) -> Facts:
    """The facts of an incident now. Raises Invalid for an estimate without a source, or too many words."""
    given = said or Said()
    check_said(given)
    told = list_notices(
        connection,
        incident_id=incident.id,
        with_absorbed=True,
        states=(NoticeState.PUBLISHED,),
        audience=Audience.CUSTOMERS,
        limit=1,
    )
    return Facts(
        now=clock.now(),
        number=incident.id,
        title=incident.title,
        severity=incident.severity.label,
        state=words.find("incident", incident.state.value),
        features=list_affected(plane, incident),
        opened_at=incident.opened_at,
        mitigated_at=incident.mitigated_at,
        resolved_at=incident.resolved_at,
        recover_due_at=incident.recover_due_at,
        owner=incident.acknowledged_by or "",
        manager=str(incident.body.get("roles", {}).get("manager", "")),
        cause=find_cause(incident),
        told_at=told[0].published_at if told else None,
        next_update_at=next_update_at,
        said=given,
    )


def find_cause(incident: Incident) -> CauseFact | None:
    """The cause that a person confirmed, else the one that triage's evidence supports, else None."""
    confirmed = incident.body.get("cause")
    if confirmed:
        by = str(confirmed["by"])
        return CauseFact(
            says=Text(ja=str(confirmed["ja"]), en=str(confirmed["en"])),
            basis=Text(ja=f"{by} が確認", en=f"confirmed by {by}"),
            is_confirmed=True,
        )
    triage = incident.body.get("triage") or {}
    first = triage.get("first_cause")
    found = next((one for one in triage.get("causes", ()) if first and one.get("id") == first), None)
    if found is None:
        return None
    return CauseFact(
        says=Text(ja=str(found["title"]["ja"]), en=str(found["title"]["en"])),
        basis=Text(ja="診断が裏付け", en="supported by triage"),
        is_confirmed=False,
    )


def check_said(said: Said) -> None:
    """Raises Invalid when it is too long, or an estimate names no source."""
    texts = (said.action, said.workaround, said.prevention)
    if any(len(part) > _SAID_CHARS for text in texts for part in (text.ja, text.en)):
        raise Invalid(
            Text(ja="1 つの欄は 1,000 文字以内です", en="A field has 1,000 characters at most"),
            code="communication.too_long",
        )
    if said.expected_at is not None and not said.source.strip():
        raise Invalid(
            Text(ja="復旧の見込みには根拠が必要です", en="An expected recovery needs a source"),
            hint=Text(
                ja="誰の、何に基づく見立てかを書いてください。",
                en="Say whose estimate it is, and what it rests on.",
            ),
            code="communication.no_source",
        )


# `Any`: the names that templates know.
def to_names(facts: Facts, *, audience: Audience, language: Language) -> dict[str, Any]:
    """The facts as templates name them, in one language. Customers' templates know fewer names."""
    said = facts.said
    names: dict[str, Any] = {
        "now": facts.now,
        "number": facts.number,
        "features": [
            {
                "title": one.feature.title.in_language(language),
                "state": STATE_WORDS[one.state].in_language(language),
            }
            for one in facts.features
        ],
        "opened_at": facts.opened_at,
        "mitigated_at": facts.mitigated_at,
        "resolved_at": facts.resolved_at,
        "lasted": facts.lasted,
        "cause_said": _confirmed(facts, language),
        "expected_at": said.expected_at,
        "next_update_at": facts.next_update_at,
        "said": {
            name: getattr(said, name).in_language(language).strip()
            for name in ("action", "workaround", "prevention")
        },
    }
    if audience is Audience.INTERNAL:
        cause = facts.cause
        names |= {
            "title": facts.title.in_language(language),
            "severity": facts.severity,
            "state": facts.state.in_language(language),
            "owner": facts.owner,
            "manager": facts.manager,
            "recover_due_at": facts.recover_due_at,
            "told_at": facts.told_at,
            "cause": cause.says.in_language(language) if cause else "",
            "cause_basis": cause.basis.in_language(language) if cause else "",
        }
    return names


def _confirmed(facts: Facts, language: Language) -> str:
    cause = facts.cause
    return cause.says.in_language(language) if cause is not None and cause.is_confirmed else ""
