"""What the recovery page shows, made of what is known: figures with their promise, copies, drills."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.drills.recovery.experiments import load_recovery_experiments
from hrx.ops.drills.recovery.outcomes import Drilled, summarise_losses
from hrx.ops.recovery.copies import CopyFacts, CopyState, broken, list_copies
from hrx.ops.recovery.positions import AtRisk
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.standing import Standing
from hrx.ops.recovery.switching import list_kept
from hrx.ops.recovery.troubles import RPO_OBJECTIVE
from hrx.ops.recovery.wording import say_elsewhere, say_forecast, say_proven, say_risk
from hrx.ops.run.plane import Plane

#: The runbook's objective for Severity 1 (5.1).
RTO_OBJECTIVE: Final = timedelta(hours=1)
#: A proof of every daily backup and two hours, as the rule on unproven backups has it.
_PROVEN_LATE: Final = timedelta(hours=26)
MET, MISSED, UNKNOWN = "met", "breached", "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One of the four large ones: seconds (None: not known), its sentence, what is promised, whether kept.

    `lower_bound`: it may be more. `verdict`: met, breached or unknown."""

    title: Text
    seconds: float | None
    said: Text
    promise: Text
    verdict: str
    is_lower_bound: bool = False


def find_drilled(plane: Plane) -> Drilled:
    """The last run of every recovery drill, in one line."""
    experiments = load_recovery_experiments(plane.settings.runbook_dir.parent / "drills")
    return summarise_losses(experiments, plane.ledger)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Rows of one table or tenant: lost by a switch, come back, go back to what they were."""

    name: str
    lost: int
    regained: int
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyView:
    """A copy with what a switch to it means. `by_table`, `by_tenant` are empty where nobody compared.

    `has_way_back`: the data from before the switch to it is kept."""

    facts: CopyFacts
    wrong: tuple[Mapping[str, Any], ...]
    total_s: float | None
    is_compared: bool
    is_living_known: bool
    by_table: tuple[Loss, ...]
    by_tenant: tuple[Loss, ...]
    has_way_back: bool

    @property
    def may_switch(self) -> bool:
        return self.facts.state is CopyState.READY


def list_figures(standing: Standing) -> list[Figure]:
    """Lost now, with the machine, the way back, proven up to."""
    at, now = standing.newest_proven_at, standing.facts.now
    forecast = standing.forecast
    elsewhere = standing.at_risk_elsewhere if standing.facts.elsewhere_url else None
    age_s = (now - at).total_seconds() if at else None
    return [
        _figure_of_risk(
            Text(ja="いま失えば(RPO)", en="Lost now (RPO)"),
            standing.at_risk,
            said=say_risk(standing, standing.at_risk),
        ),
        Figure(
            title=Text(ja="戻すのにかかる見込み(RTO)", en="Expected way back (RTO)"),
            seconds=forecast.seconds if forecast else None,
            said=say_forecast(standing),
            promise=Text(ja="約束: 重大度 1 で 1 時間以内", en="promise: 1 h for severity 1"),
            verdict=_judge(forecast.seconds if forecast else None, RTO_OBJECTIVE),
        ),
        Figure(
            title=Text(ja="復元して確かめた最新の時点から", en="Since the newest moment proven by restoring"),
            seconds=age_s,
            said=say_proven(standing),
            promise=Text(
                ja="約束: 毎日のバックアップを毎日確かめる", en="promise: each daily backup, each day"
            ),
            verdict=_judge(age_s, _PROVEN_LATE),
        ),
        _figure_of_risk(
            Text(ja="機械ごと失えば", en="Lost with the machine"),
            elsewhere,
            said=say_elsewhere(standing),
            is_missed=standing.facts.elsewhere_url is None,
        ),
    ]


def is_rpo_kept(risk: AtRisk | None) -> bool:
    """Whether what would be lost now is known and within the promise."""
    return risk is not None and risk.is_known and _judge(risk.seconds, RPO_OBJECTIVE) == MET


def _figure_of_risk(title: Text, risk: AtRisk | None, *, said: Text, is_missed: bool = False) -> Figure:
    seconds = risk.seconds if risk else None
    return Figure(
        title=title,
        seconds=seconds,
        said=said,
        promise=Text(ja="約束: 15 分以内", en="promise: 15 min"),
        verdict=MISSED if is_missed else _judge(seconds, RPO_OBJECTIVE),
        is_lower_bound=risk is not None and not risk.is_known,
    )


def _judge(seconds: float | None, promised: timedelta) -> str:
    if seconds is None:
        return UNKNOWN
    return MET if seconds <= promised.total_seconds() else MISSED


def list_copy_views(site: Site) -> list[CopyView]:
    """Every copy of this machine, the newest first."""
    kept = {one.name for one in list_kept(site)}
    return [_view(one, has_way_back=one.name in kept) for one in list_copies(site)]


def _view(facts: CopyFacts, *, has_way_back: bool) -> CopyView:
    told = facts.comparison or {}
    tables: Sequence[Mapping[str, Any]] = told.get("tables", ())
    by_tenant: dict[str, Loss] = {}
    for table in tables:
        for tenant, counts in table["tenants"].items():
            before = by_tenant.get(tenant, Loss(name=tenant, lost=0, regained=0, changed=0))
            by_tenant[tenant] = _add(before, [counts])
    return CopyView(
        facts=facts,
        wrong=tuple(broken(facts)),
        total_s=sum(facts.seconds.values()) if facts.seconds else None,
        is_compared=facts.comparison is not None,
        is_living_known=bool(told.get("is_living_known")),
        by_table=tuple(
            _add(Loss(name=str(one["table"]), lost=0, regained=0, changed=0), one["tenants"].values())
            for one in tables
        ),
        by_tenant=tuple(sorted(by_tenant.values(), key=lambda one: (not one.name.isdigit(), one.name))),
        has_way_back=has_way_back,
    )


def _add(loss: Loss, counts: Any) -> Loss:
    found = list(counts)
    return Loss(
        name=loss.name,
        lost=loss.lost + sum(one["lost"] for one in found),
        regained=loss.regained + sum(one["regained"] for one in found),
        changed=loss.changed + sum(one["changed"] for one in found),
    )


def command_of(said: str, *, name: str) -> str:
    """What to type for this restore, safe to paste into a shell."""
    return f"hrx recover restore --to {shlex.quote(said)} --name {shlex.quote(name)}"


def suggest_name(at: datetime | None = None) -> str:
    """A copy's name made of the time, as the command makes it."""
    return f"{at or clock.now():%m%d-%H%M%S}"
