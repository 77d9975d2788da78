"""Every cause of every SOP can be found by its own evidence, is dropped when one piece is false, and blames
nobody when a piece is missing. The facts are made from what the SOP predicts, so that no server is needed."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hrx.kit.errors import Text
from hrx.ops.check import Fact
from hrx.ops.incidents.intake import take_signals
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.content import Content, load_content
from hrx.ops.runbook.graph import make_graph
from hrx.ops.runbook.sops import Cause, Comparison, Prediction, Sop, get_sop
from hrx.ops.signal import SignalSource
from hrx.ops.triage import engine
from hrx.ops.triage.engine import list_questions, list_sops_asked
from hrx.ops.triage.judging import judge
from hrx.ops.triage.looking import CheckSpec, Look, Seen
from hrx.ops.triage.proposing import Proposer
from hrx.ops.triage.registry import get_check
from hrx.ops.triage.result import RAW_MAX_BYTES, CauseSeen, Evidence, TriageResult, Verdict
from hrx.ops.triage.running import run_triage
from tests.conftest import ROOT
from tests.ops.incidents.conftest import make_signal, unresolved

pytestmark = pytest.mark.req("R5.2-1", "R5.2-2")
CONTENT: Content = load_content(ROOT / "runbook")
#: Only what is on record is needed: judging is pure.
PLANE = cast("Plane", SimpleNamespace(content=CONTENT))
CAUSES = [(sop, cause) for sop in CONTENT.sops for cause in sop.causes]
Facts = Mapping[tuple[str, str], Fact]


def as_predicted(prediction: Prediction) -> Fact:
    """A value that fulfils a prediction."""
    value = prediction.value
    match prediction.comparison:
        case Comparison.EQUALS:
            return cast("Fact", value)
        case Comparison.NOT:
            return not value if isinstance(value, bool) else f"not {value}"
        case Comparison.ANY_OF:
            return cast("tuple[Fact, ...]", value)[0]
        case Comparison.ABOVE:
            return float(cast("float", value)) * 1.5 + 1
        case Comparison.BELOW:
            # Not far below: who predicts less than 10 % must be told from who predicts less than 3 %.
            return float(cast("float", value)) * 0.6 if value else -1.0


def against(prediction: Prediction) -> Fact:
    """A value that contradicts a prediction."""
    value = prediction.value
    match prediction.comparison:
        case Comparison.EQUALS:
            return not value if isinstance(value, bool) else f"not {value}"
        case Comparison.NOT:
            return cast("Fact", value)
        case Comparison.ANY_OF:
            return "something else"
        case Comparison.ABOVE:
            return float(cast("float", value)) / 2 - 1
        case Comparison.BELOW:
            return float(cast("float", value)) * 1.5 + 1


def facts_of(sop: Sop, cause: Cause) -> dict[tuple[str, str], Fact]:
    """What would be seen if this were the cause; two predictions about one fact must both hold."""
    found: dict[tuple[str, str], Fact] = {}
    for prediction in cause.predictions:
        if prediction.is_required:
            found[f"{sop.id}/{prediction.probe}", prediction.fact] = as_predicted(prediction)
    return found


def judged(sop: Sop, facts: Facts, *, told: frozenset[str] | None = None) -> tuple[CauseSeen, ...]:
    """Every cause with its verdict when exactly these facts were learned, whoever asks the same question."""
    evidence: dict[str, Evidence] = {}
    for question in list_questions(PLANE, sop):
        seen = {fact: value for (probe, fact), value in facts.items() if probe in question.asked_by}
        one = Evidence(
            id=question.id,
            check=question.probe.check,
            params=question.probe.params,
            title=Text(ja="x", en="x"),
            facts=seen,
            failure=None,
            latency_ms=1.0,
            raw="",
        )
        evidence |= dict.fromkeys(question.asked_by, one)
    return judge(
        list_sops_asked(PLANE, sop),
        evidence=evidence,
        graph=make_graph(CONTENT.parts, aliases=CONTENT.respond.grouping.aliases),
        proposer=Proposer(procedures=CONTENT.procedures),
        told=told,
    )


def blamed(causes: tuple[CauseSeen, ...]) -> list[str]:
    return [one.id for one in causes if one.verdict is Verdict.SUPPORTED and one.symptom_of is None]


@pytest.mark.parametrize(("sop", "cause"), CAUSES, ids=[f"{sop.id}-{cause.id}" for sop, cause in CAUSES])
def test_a_cause_is_first_by_its_own_evidence(sop: Sop, cause: Cause) -> None:
    found = judged(sop, facts_of(sop, cause))
    assert found[0].id == cause.id, [(one.id, one.verdict) for one in found[:3]]
    assert found[0].verdict is Verdict.SUPPORTED
    assert blamed(found) == [cause.id], "one cause, one blame"


@pytest.mark.parametrize(("sop", "cause"), CAUSES, ids=[f"{sop.id}-{cause.id}" for sop, cause in CAUSES])
def test_a_cause_is_not_blamed_when_one_piece_is_false_or_unknown(sop: Sop, cause: Cause) -> None:
    facts = facts_of(sop, cause)
    required = [one for one in cause.predictions if one.is_required]
    assert required, "a cause that requires nothing would always be blamed"
    for prediction in required:
        key = (f"{sop.id}/{prediction.probe}", prediction.fact)
        for changed in ({**facts, key: against(prediction)}, {k: v for k, v in facts.items() if k != key}):
            verdicts = {one.id: one.verdict for one in judged(sop, changed)}
            assert verdicts[cause.id] is not Verdict.SUPPORTED, prediction.says.en


@pytest.mark.parametrize("sop", CONTENT.sops, ids=[sop.id for sop in CONTENT.sops])
def test_nobody_is_blamed_when_nothing_could_be_learned(sop: Sop) -> None:
    assert {one.verdict for one in judged(sop, {})} == {Verdict.UNDECIDED}


# ── asking ────────────────────────────────────────────────────────────────────────────────────────────────


def _with_looks(monkeypatch: pytest.MonkeyPatch, looks: Mapping[str, Look]) -> None:
    """Every check answers nothing at once, but those that are named."""

    def find(check: str) -> CheckSpec:
        spec = get_check(check)
        look = looks.get(check, lambda _eyes, _params, _timeout_s: Seen(facts={}))
        return CheckSpec(
            id=spec.id,
            title=spec.title,
            asks=spec.asks,
            facts=spec.facts,
            timeout_s=spec.timeout_s,
            look=look,
            params=spec.params,
        )

    monkeypatch.setattr(engine, "get_check", find)


@pytest.fixture
def diagnosed(plane: Plane) -> Any:
    """Runs SOP 5.2.3 on the small machine's plane."""

    def run() -> TriageResult:
        sop = next(one for one in plane.content.sops if one.id == "5.2.3")
        return engine.diagnose(plane, sop)

    return run


def test_a_look_that_hangs_is_left_behind_and_delays_no_other(
    diagnosed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    def hang(_eyes: object, _params: object, _timeout_s: float) -> Seen:
        release.wait(20)
        return Seen(facts={"state": "stopped"})

    _with_looks(monkeypatch, {"redis.state": hang})
    result = diagnosed()
    release.set()
    slow = next(one for one in result.evidence if one.check == "redis.state")
    assert slow.failure is not None
    assert "No answer within" in slow.failure.en
    assert result.took_ms < 6_000
    assert result.first_cause is None


def test_what_a_look_brings_is_masked_and_bounded(diagnosed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = "password=hunter2secret yamada@example.co.jp\n" * 5_000

    def tell(_eyes: object, _params: object, _timeout_s: float) -> Seen:
        return Seen(facts={"says": "token=abcdef123456 " + "x" * 2_000}, raw=raw)

    _with_looks(monkeypatch, {"postgres.log": tell})
    found = next(one for one in diagnosed().evidence if one.check == "postgres.log")
    assert 0 < len(found.raw.encode()) <= RAW_MAX_BYTES
    assert "hunter2secret" not in found.raw
    assert "yamada" not in found.raw, "nor anybody's address, wherever the excerpt was cut"
    said = str(found.facts["says"])
    assert "abcdef" not in said
    assert len(said) <= 500


def test_a_look_that_breaks_is_an_answer_and_not_the_end(
    diagnosed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burst(_eyes: object, _params: object, _timeout_s: float) -> Seen:
        raise RuntimeError("bug")

    _with_looks(monkeypatch, {"postgres.locks": burst})
    result = diagnosed()
    broken = next(one for one in result.evidence if one.check == "postgres.locks")
    assert broken.failure is not None
    assert "RuntimeError" in broken.failure.en
    assert len(result.evidence) == len({one.id for one in result.evidence}) > 5


def test_every_sop_is_here_and_has_its_files() -> None:
    names = {path.stem for path in Path(ROOT / "runbook" / "sops").glob("5.2.*.yaml")}
    assert names == {sop.id for sop in CONTENT.sops} == {f"5.2.{n}" for n in range(1, 7)}
    assert len(CAUSES) >= 50


# ── states that last for days ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("told", "is_thought_of"),
    [
        (frozenset({"disk-low:database"}), True),
        (frozenset({"part-down:worker", "disk-low:logs"}), True),
        (None, True),
        (frozenset({"api-errors"}), False),
        (frozenset({"disk-lower"}), False),
    ],
)
def test_a_short_disk_is_blamed_where_it_is_what_was_told(
    told: frozenset[str] | None, is_thought_of: bool
) -> None:
    sop = next(one for one in CONTENT.sops if one.id == "5.2.2")
    found = judged(sop, {("5.2.3/disk", "free_ratio"): 0.09}, told=told)
    assert blamed(found) == (["disk-filling"] if is_thought_of else [])
    assert ("disk-filling" in {one.id for one in found}) is is_thought_of


@pytest.mark.parametrize(
    ("cause", "told", "is_thought_of"),
    [
        ("index-missing", "index-missing", True),
        ("index-missing", "api-latency", True),
        ("index-missing", "api-errors", False),
        ("clock-skew", "clock-skew", True),
        ("clock-skew", "api-latency", False),
    ],
)
def test_what_explains_only_some_troubles_is_blamed_for_no_other(
    cause: str, told: str, is_thought_of: bool
) -> None:
    sop, found = next((sop, one) for sop, one in CAUSES if one.id == cause)
    seen = judged(get_sop(CONTENT.sops, "5.2.2"), facts_of(sop, found), told=frozenset({told}))
    assert blamed(seen) == ([cause] if is_thought_of else [])


def test_a_disk_that_is_full_is_more_than_one_that_fills_up() -> None:
    sop = next(one for one in CONTENT.sops if one.id == "5.2.3")
    found = judged(sop, {("5.2.3/disk", "free_ratio"): 0.02}, told=frozenset({"disk-low:database"}))
    assert blamed(found) == ["disk-full"]


@pytest.mark.parametrize(
    ("key", "source", "cause"),
    [
        ("disk-low:database", SignalSource.ALERTMANAGER, "disk-filling"),
        ("database-cpu", SignalSource.ALERTMANAGER, None),
        # A person's words name no condition: every cause is thought of.
        ("said:slow", SignalSource.CLI, "disk-filling"),
    ],
)
def test_an_incident_is_judged_by_what_machines_told_of_it(
    plane: Plane, monkeypatch: pytest.MonkeyPatch, key: str, source: SignalSource, cause: str | None
) -> None:
    _with_looks(
        monkeypatch, {"disk.free": lambda _eyes, _params, _timeout_s: Seen(facts={"free_ratio": 0.09})}
    )
    signal = make_signal(key, source=source, part="postgres")
    take_signals(plane, [signal])
    (case,) = unresolved(plane)
    for found in (run_triage(plane, signal).first_cause, run_triage(plane, case.id).first_cause):
        assert (found.id if found else None) == cause


def test_free_space_is_counted_as_the_rule_counts_it(
    plane: Plane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def usage(path: object) -> object:
        # What only root may fill is in `total`; neither we nor the rule may count on it.
        is_temporary = str(path) == tempfile.gettempdir()
        return (
            SimpleNamespace(total=250, used=29, free=1)
            if is_temporary
            else SimpleNamespace(total=250, used=91, free=9)
        )

    monkeypatch.setattr("hrx.ops.targets.machine.usage.shutil.disk_usage", usage)
    facts = engine.ask_check(plane, "disk.free", params={}).facts
    assert facts["free_ratio"] == 0.09
    assert facts["temporary_free_ratio"] == round(1 / 30, 4)
