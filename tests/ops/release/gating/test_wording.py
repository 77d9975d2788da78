"""What is shown of a running comparison, in both languages."""

from __future__ import annotations

import random
from typing import get_args

import pytest

from hrx.kit.errors import Language
from hrx.ops.release.gating.judging import Reason, Verdict, judge
from hrx.ops.release.gating.observing import Look, Observations
from hrx.ops.release.gating.policy import Policy
from hrx.ops.release.gating.wording import (
    HEADINGS,
    REASONS,
    VERDICTS,
    row_cells,
    say_verdict,
    show_comparison,
)
from tests.ops.release.gating.releases import BASELINE, Version

pytestmark = pytest.mark.req("R3.1-2")


def test_every_verdict_and_reason_has_words() -> None:
    assert set(REASONS) == set(Reason)
    assert set(VERDICTS) == {*Verdict, None}
    assert all(text.ja and text.en for text in (*REASONS.values(), *VERDICTS.values()))


def test_the_table_shows_both_versions_with_the_harm_and_the_verdict_so_far() -> None:
    policy, chance = Policy(), random.Random(3)  # noqa: S311
    old, new = Version(bad=0), Version(bad=1)
    seen = Observations.begin(policy, old=old.counts(), new=new.counts(), baseline=BASELINE)
    for number in range(100):
        (new if number % 10 == 0 else old).answer(chance)
    seen = seen.add(Look(at_s=1, old=old.counts(), new=new.counts()), policy)
    judgement = judge(seen, policy)
    view = show_comparison("api", seen, judgement, policy, old_slot="blue", new_slot="green", percent=10)
    rows = [[cell.en for cell in row_cells(row)] for row in view.rows]
    assert [row[:4] for row in rows] == [
        ["blue (old)", "90 %", "90", "0"],
        ["green (new)", "10 %", "10", str(new.failed)],
    ]
    assert len(HEADINGS) == len(rows[0])
    assert view.harm.en == f"{new.failed}.0 of at most 10 bad answers"
    assert view.harm.ja == f"許容 10 件のうち {new.failed}.0 件"
    assert (
        say_verdict(judgement).en == "roll back: the new version is shown to fail more often than the old one"
    )
    assert "× 400" in view.evidence.en


@pytest.mark.parametrize("language", get_args(Language))
def test_nothing_answered_yet_is_shown_as_such(language: Language) -> None:
    policy, none = Policy(), Version().counts()
    seen = Observations.begin(policy, old=none, new=none, baseline=BASELINE)
    judgement = judge(seen, policy)
    view = show_comparison("web", seen, judgement, policy, old_slot="green", new_slot="blue", percent=25)
    assert row_cells(view.rows[1])[4].in_language(language) == "–"
    assert view.verdict.in_language(language) in ("比較中", "comparing")
