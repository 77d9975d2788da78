"""Words: whatever pages and commands show of a state, kind or actor has a word in both languages."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path

import pytest

from hrx.ops import words
from hrx.ops.check import Status
from hrx.ops.ledger.entries import Kind
from hrx.ops.ledger.incidents import IncidentState
from hrx.ops.observe.blindness.judging import RuleState
from hrx.ops.operators.roles import Role
from hrx.ops.signal import SignalSource

SOURCE = Path(words.__file__).parent.parent
FAMILIES: dict[str, type[Enum]] = {
    "kind": Kind,
    "status": Status,
    "incident": IncidentState,
    "source": SignalSource,
    "role": Role,
    "alert_rule": RuleState,
}


@pytest.mark.parametrize("family", FAMILIES)
def test_each_value_that_is_shown_has_its_own_word(family: str) -> None:
    for value in FAMILIES[family]:
        word = words.find(family, str(value.value))
        assert word.ja != value.value, f"{family} {value.value} has no word"


def test_each_part_of_ours_that_writes_the_ledger_has_a_name_for_people() -> None:
    named = re.compile(r'^_?ACTOR: Final = (?:Actor\(name=)?"([a-z]+)"', re.MULTILINE)
    found = {name for path in SOURCE.rglob("*.py") for name in named.findall(path.read_text())}
    assert {"paging", "watcher", "triage"} <= found
    for name in found:
        assert words.find_actor(name).ja != name, f"{name} has no word"


def test_who_typed_a_command_is_told_from_who_clicked() -> None:
    assert words.find_actor("machine:root").in_language("ja") == "root(コマンド)"
    assert words.find_actor("machine:root").in_language("en") == "root (command)"
    assert words.find_actor("sato").in_language("ja") == "sato"
