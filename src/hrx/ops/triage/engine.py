"""One triage: every probe of an SOP and of those it follows at once, then the judging.

Each probe has its own limit, and the whole ends with the slowest: a probe that hangs is an answer, too."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError, Invalid, Text
from hrx.kit.personal import mask_line
from hrx.kit.secrets import mask_text
from hrx.ops.check import Fact
from hrx.ops.ledger.incidents import Incident
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.graph import make_graph
from hrx.ops.runbook.sops import Probe, Sop, get_sop
from hrx.ops.seams.looking import LookFailed
from hrx.ops.signal import Signal
from hrx.ops.triage.eyes import Eyes
from hrx.ops.triage.judging import judge
from hrx.ops.triage.looking import Seen
from hrx.ops.triage.proposing import Proposer
from hrx.ops.triage.registry import get_check
from hrx.ops.triage.result import RAW_MAX_BYTES, Evidence, TriageResult

_log = logging.getLogger("hrx.ops.triage")
_FACT_CHARS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One probe as it will be asked; several SOPs may want the same one."""

    id: str
    probe: Probe
    asked_by: tuple[str, ...]


def choose_sop(plane: Plane, about: Incident | Signal) -> Sop | None:
    """The SOP that answers an incident or a signal: the one it names, else by its part's service.

    None when none does: a signal about the plane itself, or of another chapter."""
    sops, respond = plane.content.sops, plane.content.respond.grouping
    named = next((sop for sop in sops if about.sop in sop.match.sops), None)
    if named is not None:
        return named
    if about.is_security:
        return get_sop(sops, respond.security_sop)
    graph = make_graph(plane.content.parts, aliases=respond.aliases)
    service = graph.service_of(about.part)
    domain = about.labels.get("domain") if isinstance(about, Signal) else None
    for sop in sops:
        if (service and service in sop.match.parts) or (domain and domain in sop.match.domains):
            return sop
    return None


def list_sops_asked(plane: Plane, sop: Sop) -> tuple[Sop, ...]:
    """The SOP and those it follows, at any distance, each once."""
    found: dict[str, Sop] = {}
    waiting = [sop.id]
    while waiting:
        current = get_sop(plane.content.sops, waiting.pop(0))
        if current.id not in found:
            found[current.id] = current
            waiting += current.follows
    return tuple(found.values())


def list_questions(plane: Plane, sop: Sop) -> tuple[Question, ...]:
    """What a triage of this SOP asks; the same question of two SOPs is asked once."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], Question] = {}
    for asked in list_sops_asked(plane, sop):
        for probe in asked.probes:
            key = (probe.check, tuple(sorted(probe.params.items())))
            name = f"{asked.id}/{probe.key}"
            known = found.get(key)
            found[key] = (
                Question(id=name, probe=probe, asked_by=(name,))
                if known is None
                else Question(id=known.id, probe=known.probe, asked_by=(*known.asked_by, name))
            )
    return tuple(found.values())


def ask_check(
    plane: Plane, check: str, *, params: Mapping[str, str], timeout_s: float | None = None
) -> Evidence:
    """One registered check now; changes and records nothing.

    Raises ContentWrong for an unknown check, Invalid for parameters that it does not take."""
    spec = get_check(check)
    if set(params) != set(spec.params):
        takes = ", ".join(spec.params)
        raise Invalid(
            Text(
                ja=f"{check} が受け取る値は {takes or 'ありません'}",
                en=f"{check} takes {takes or 'no parameters'}",
            ),
            hint=Text(ja="`-p 名前=値` の形で渡します。", en="Give them as `-p name=value`."),
            code="triage.wrong_params",
        )
    limit_s = timeout_s or spec.timeout_s
    probe = Probe(key=check, check=check, params=dict(params), timeout_s=limit_s)
    question = Question(id=check, probe=probe, asked_by=())
    return _ask_all(Eyes(plane=plane), (question,))[check]


def diagnose(plane: Plane, sop: Sop, *, told: Set[str] | None = None) -> TriageResult:
    """Ask everything now and judge; changes and records nothing. Takes about as long as the slowest probe.

    `told` are the keys of the conditions that it is about; see `judge`."""
    started_at, started = clock.now(), clock.monotonic_s()
    eyes = Eyes(plane=plane, at=started_at)
    questions = list_questions(plane, sop)
    answers = _ask_all(eyes, questions)
    evidence = {name: answers[question.id] for question in questions for name in question.asked_by}
    graph = make_graph(plane.content.parts, aliases=plane.content.respond.grouping.aliases)
    causes = judge(
        list_sops_asked(plane, sop),
        evidence=evidence,
        graph=graph,
        proposer=Proposer(procedures=plane.content.procedures),
        told=told,
    )
    return TriageResult(
        sop=sop.id,
        started_at=started_at,
        took_ms=round((clock.monotonic_s() - started) * 1000, 1),
        evidence=tuple(answers.values()),
        causes=causes,
    )


def _ask_all(eyes: Eyes, questions: tuple[Question, ...]) -> dict[str, Evidence]:
    """Every question on a thread of its own; one that is not back in time is left behind.

    A thread cannot be stopped: it is a daemon whose own calls have limits, so it ends soon after us."""
    answers: dict[str, Evidence] = {}
    started = clock.monotonic_s()
    threads = []
    for question in questions:
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=context.run, args=(_ask, eyes, question, answers), name="triage", daemon=True
        )
        thread.start()
        threads.append((question, thread))
    for question, thread in threads:
        thread.join(max(0.0, started + question.probe.timeout_s - clock.monotonic_s()))
    # A copy: a straggler must not change what has been judged.
    given = dict(answers)
    return {
        question.id: given.get(question.id) or _too_late(question, clock.monotonic_s() - started)
        for question in questions
    }


def _ask(eyes: Eyes, question: Question, answers: dict[str, Evidence]) -> None:
    spec = get_check(question.probe.check)
    started = clock.monotonic_s()
    failure: Text | None = None
    seen = Seen(facts={})
    try:
        seen = spec.look(eyes, question.probe.params, question.probe.timeout_s)
    except LookFailed as error:
        failure = error.why
    except HrxError as error:
        failure = error.message
    # A check is a look at a sick system: whatever goes wrong in one must not take the others' answers.
    except Exception as error:  # noqa: BLE001
        _log.exception("triage.check_bug", extra={"fields": {"check": spec.id}})
        failure = _bug(error)
    answers[question.id] = Evidence(
        id=question.id,
        check=spec.id,
        params=dict(question.probe.params),
        title=spec.title,
        facts={name: _clean(value) for name, value in seen.facts.items() if value is not None},
        failure=failure,
        latency_ms=round((clock.monotonic_s() - started) * 1000, 1),
        raw=_cut(seen.raw),
    )


def _too_late(question: Question, after_s: float) -> Evidence:
    spec = get_check(question.probe.check)
    limit = question.probe.timeout_s
    return Evidence(
        id=question.id,
        check=spec.id,
        params=dict(question.probe.params),
        title=spec.title,
        facts={},
        failure=Text(ja=f"{limit:g} 秒以内に答えが得られません", en=f"No answer within {limit:g} s"),
        latency_ms=round(after_s * 1000, 1),
        raw="",
    )


def _bug(error: Exception) -> Text:
    name = type(error).__name__
    return Text(ja=f"確認そのものの誤りです({name})", en=f"This is a bug in the check ({name})")


def _clean(value: Fact) -> Fact:
    """A fact as it may be shown and kept: text masked, and at most 500 characters."""
    return mask_text(value)[:_FACT_CHARS] if isinstance(value, str) else value


def _cut(raw: str) -> str:
    """The excerpt, masked, at most 50 kB long: its end, where the newest lines are.

    Whole lines only: half of one may hold half of what the mask would have known."""
    return _end_of(mask_line(_end_of(raw)))


def _end_of(text: str) -> str:
    whole = text.encode()
    if len(whole) <= RAW_MAX_BYTES:
        return text
    return whole[-RAW_MAX_BYTES:].decode(errors="ignore").partition("\n")[2]
