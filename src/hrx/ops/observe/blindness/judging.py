"""Whether a rule can see: what Prometheus said goes in, a state with its reasons comes out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.observe.rules.expressions import expression_of
from hrx.ops.observe.rules.inputs import Input, Need, same_query
from hrx.ops.runbook.watch.rules import AlertRule, AlertSeverity
from hrx.ops.seams.metrics import LoadedRule

#: The longest scrape interval is 10 s; three missed ones are no delay any more.
STALE_S: Final = 30.0
_LATE_TURNS: Final = 3
_LATE_AT_LEAST_S: Final = 15.0
_REAL_YEARS: Final = 2000
_WATCH: Final = "prometheus"


class RuleState(StrEnum):
    """How a rule stands. NOT_FED: its inputs arrive with a part that does not stand yet, as it declares."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    BLIND = "blind"
    NOT_FED = "not_fed"
    #: Nobody has looked yet.
    UNKNOWN = "unknown"


class Why(StrEnum):
    """Why a rule cannot see."""

    PROMETHEUS_SILENT = "prometheus-silent"
    NOT_LOADED = "rules-not-loaded"
    OTHER_VERSION = "rules-of-another-version"
    NOT_EVALUATED = "rules-not-evaluated"
    FAILS = "rules-fail"
    SOURCE_DOWN = "source-down"
    NOT_ASKED = "source-not-asked"
    STALE = "stale"
    MISSING = "missing"
    RELABELLED = "relabelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason. `subject` is the part or metric it is about, `part` the part to look at first."""

    why: Why
    subject: str
    part: str
    says: Text

    @property
    def key(self) -> str:
        """The condition: one for each cause, however many rules it blinds."""
        about_all = (
            Why.PROMETHEUS_SILENT,
            Why.NOT_LOADED,
            Why.OTHER_VERSION,
            Why.NOT_EVALUATED,
            Why.FAILS,
        )
        return f"rules-blind:{self.why.value if self.why in about_all else self.subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One rule as it stands now."""

    rule: AlertRule
    state: RuleState
    reasons: tuple[Reason, ...] = ()

    @property
    def is_blind(self) -> bool:
        """Whether it should see and cannot, also while it still fires from what it saw before."""
        return bool(self.reasons) and self.state is not RuleState.NOT_FED


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What Prometheus said at one moment. `up` and `age_s` are by part; `series` says for each input which
    parts give it, `bare` the same for its metric without any matcher; `announced` names metrics by part.
    `started_at`: when Prometheus itself started."""

    at: datetime
    answered: bool
    started_at: datetime | None = None
    loaded: Mapping[str, LoadedRule] = field(default_factory=dict)
    up: Mapping[str, bool] = field(default_factory=dict)
    age_s: Mapping[str, float] = field(default_factory=dict)
    series: Mapping[Input, frozenset[str]] = field(default_factory=dict)
    bare: Mapping[str, frozenset[str]] = field(default_factory=dict)
    announced: Mapping[str, frozenset[str]] = field(default_factory=dict)


def judge_sight(rule: AlertRule, inputs: Sequence[Input], looked: Looked) -> Sight:
    """How the rule stands."""
    if not looked.answered:
        silent = Reason(
            why=Why.PROMETHEUS_SILENT,
            subject=_WATCH,
            part=_WATCH,
            says=Text(ja="Prometheus が応答しません", en="Prometheus does not answer"),
        )
        return Sight(rule=rule, state=_at_least_blind(rule), reasons=(silent,))
    loaded = looked.loaded.get(rule.name)
    reasons = tuple(_of_evaluation(rule, loaded, looked))
    if not reasons:
        found = (_of_input(one, looked) for one in inputs)
        reasons = tuple(dict.fromkeys(one for one in found if one is not None))
    # The dead man's switch fires for ever: that is how it is when all is well.
    is_switch = rule.severity is AlertSeverity.NONE
    if loaded is not None and not is_switch and loaded.state in ("pending", "firing"):
        return Sight(rule=rule, state=RuleState(loaded.state), reasons=reasons)
    if rule.fed_by is not None:
        return Sight(rule=rule, state=RuleState.NOT_FED, reasons=reasons)
    return Sight(rule=rule, state=RuleState.BLIND if reasons else RuleState.OK, reasons=reasons)


def _at_least_blind(rule: AlertRule) -> RuleState:
    return RuleState.NOT_FED if rule.fed_by is not None else RuleState.BLIND


def _of_evaluation(rule: AlertRule, loaded: LoadedRule | None, looked: Looked) -> list[Reason]:
    """Why Prometheus does not even ask, or asks something else."""
    if loaded is None:
        return [
            _watch(
                Why.NOT_LOADED,
                rule,
                ja="Prometheus がこの規則を読み込んでいません",
                en="Prometheus has not loaded this rule",
            )
        ]
    if not same_query(loaded.query, expression_of(rule)):
        return [
            _watch(
                Why.OTHER_VERSION,
                rule,
                ja="Prometheus にあるのは別の版の規則です",
                en="Prometheus has another version of this rule",
            )
        ]
    if loaded.health == "err":
        says = loaded.error[:200]
        return [
            _watch(Why.FAILS, rule, ja=f"評価に失敗しています: {says}", en=f"Its evaluation fails: {says}")
        ]
    # Never evaluated is told as the year 1; just after its own start that is no wonder.
    is_never = loaded.evaluated_at.year < _REAL_YEARS
    since = (looked.started_at or loaded.evaluated_at) if is_never else loaded.evaluated_at
    age_s = (looked.at - since).total_seconds()
    if age_s > max(_LATE_TURNS * loaded.every_s, _LATE_AT_LEAST_S):
        ja = "まだ一度も評価されていません" if is_never else f"最後の評価から {age_s:.0f} 秒経っています"
        en = "It was never evaluated" if is_never else f"It was last evaluated {age_s:.0f} s ago"
        return [_watch(Why.NOT_EVALUATED, rule, ja=ja, en=en)]
    return []


def _of_input(one: Input, looked: Looked) -> Reason | None:
    """Why this input gives nothing; None when it does, or when its absence is what is told."""
    if one.need is Need.ABSENCE:
        return None
    given = looked.series.get(one, frozenset())
    if given:
        return _of_age(one, given, looked)
    if not one.parts:
        return _of_series(one, looked)
    known = [part for part in one.parts if part in looked.up]
    alive = [part for part in known if looked.up[part]]
    if not known:
        part = one.parts[0]
        return Reason(
            why=Why.NOT_ASKED,
            subject=part,
            part=part,
            says=Text(ja=f"Prometheus は {part} に聞いていません", en=f"Prometheus does not ask {part}"),
        )
    if not alive:
        part = known[0]
        return Reason(
            why=Why.SOURCE_DOWN,
            subject=part,
            part=part,
            says=Text(
                ja=f"{part} が応答せず、数値が届きません", en=f"{part} does not answer and gives no figures"
            ),
        )
    if _may_wait(one, alive, looked):
        return None
    return _of_series(one, looked, part=alive[0])


def _may_wait(one: Input, alive: Sequence[str], looked: Looked) -> bool:
    """Whether nothing has been counted yet by anybody who is there to count it."""
    if one.need is not Need.EVENTS or looked.bare.get(one.metric, frozenset()) & set(one.parts):
        return False
    names = {one.metric, *(one.metric.removesuffix(end) for end in ("_total", "_count", "_bucket", "_sum"))}
    return any(looked.announced.get(name, frozenset()) & set(alive) for name in names)


def _of_age(one: Input, given: frozenset[str], looked: Looked) -> Reason | None:
    ages = [looked.age_s[part] for part in given if part in looked.age_s]
    if not ages or min(ages) <= STALE_S:
        return None
    return Reason(
        why=Why.STALE,
        subject=one.metric,
        part=min(given),
        says=Text(
            ja=f"{one.metric} が {min(ages):.0f} 秒前から新しくなっていません",
            en=f"{one.metric} has not been renewed for {min(ages):.0f} s",
        ),
    )


def _of_series(one: Input, looked: Looked, *, part: str = _WATCH) -> Reason:
    if looked.bare.get(one.metric, frozenset()) & set(one.parts or looked.bare.get(one.metric, ())):
        return Reason(
            why=Why.RELABELLED,
            subject=one.metric,
            part=part,
            says=Text(
                ja=f"{one.metric} はありますが、{one.sight} に合う系列がありません",
                en=f"{one.metric} is there, but no series fits {one.sight}",
            ),
        )
    return Reason(
        why=Why.MISSING,
        subject=one.metric,
        part=part,
        says=Text(
            ja=f"{one.metric} を出しているものがありません(名前が変わったか、止まっています)",
            en=f"Nobody gives {one.metric}: it was renamed, or it has stopped",
        ),
    )


def _watch(why: Why, rule: AlertRule, *, ja: str, en: str) -> Reason:
    return Reason(why=why, subject=rule.name, part=_WATCH, says=Text(ja=ja, en=en))
