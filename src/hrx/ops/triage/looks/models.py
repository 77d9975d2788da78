"""Checks of model inference: calls to LLM providers and our own models, from the figures they leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.check import Fact
from hrx.ops.seams.looking import LookFailed
from hrx.ops.triage.eyes import Eyes
from hrx.ops.triage.looking import CheckSpec, Seen
from hrx.ops.triage.reading import read_samples

#: Of every figure the worst: (metric, fact, which of several values is that).
_QUALITY: Final = (
    ("hrx_model_accuracy_ratio", "accuracy", min),
    ("hrx_model_drift_psi", "drift", max),
    ("hrx_assistant_evaluation_lost_ratio", "answers_lost", max),
    ("hrx_scoring_problem", "not_loaded", max),
)
_CALLS: Final = "gen_ai_client_operation_duration_seconds_count"


def _look_at_calls(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    samples = []
    for part in ("api", "worker"):
        try:
            samples += [item for item in read_samples(eyes, part) if item.name.startswith("gen_ai_")]
        except LookFailed:
            continue
    calls = [item for item in samples if item.name == _CALLS]
    if not calls:
        # No part of ours calls a model yet, or none has since it started.
        return Seen(facts={"calls": 0})
    total = sum(item.value for item in calls)
    failed: Counter[str] = Counter()
    for item in calls:
        if item.labels.get("error_type"):
            failed[item.labels["error_type"]] += int(item.value)
    spent = sum(item.value for item in samples if item.name == "gen_ai_client_operation_duration_seconds_sum")
    top = failed.most_common(1)[0] if failed else None
    facts: dict[str, Fact] = {
        "calls": int(total),
        "failures": sum(failed.values()),
        "failure_ratio": round(sum(failed.values()) / total, 3) if total else None,
        "top_failure": top[0] if top else None,
        "mean_s": round(spent / total, 2) if total else None,
    }
    return Seen(facts=facts, raw="\n".join(f"{kind} {count}" for kind, count in failed.most_common()))


def _look_at_models(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    facts: dict[str, Fact] = {}
    for part in ("api", "worker", "scoring"):
        try:
            samples = read_samples(eyes, part)
        except LookFailed:
            continue
        for name, fact, worst in _QUALITY:
            values = [item.value for item in samples if item.name == name]
            if values:
                facts[fact] = round(worst(values), 3)
    return Seen(facts=facts)


CHECKS: Final = (
    CheckSpec(
        id="llm.calls",
        title=Text(ja="LLM の呼び出し", en="Calls to language models"),
        asks=Text(
            ja="API とワーカーの数値から、呼び出しの失敗を種類ごとに数える",
            en="Counts failed calls by kind in the figures of API and worker",
        ),
        facts=("calls", "failures", "failure_ratio", "top_failure", "mean_s"),
        timeout_s=4,
        look=_look_at_calls,
    ),
    CheckSpec(
        id="model.quality",
        title=Text(ja="モデルと答えの質", en="Quality of models and answers"),
        asks=Text(
            ja="最後の評価の精度とずれ、質問集の成績の低下、読み込めない版があるかを読む",
            en="Reads accuracy and drift of the last evaluation, how far the question sets fell, "
            "and whether a version cannot be loaded",
        ),
        facts=("accuracy", "drift", "answers_lost", "not_loaded"),
        timeout_s=4,
        look=_look_at_models,
    ),
)
