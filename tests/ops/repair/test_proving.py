"""How a proof waits for what it wants to see."""

from __future__ import annotations

import pytest

from hrx.kit.errors import NotFound, Text, Unavailable
from hrx.ops.run.acting.spec import Look, NotProven, wait_until_seen

pytestmark = pytest.mark.req("R5.2-2")
SAYS = Text(ja="まだ", en="not yet")


def test_what_does_not_answer_yet_is_looked_at_again() -> None:
    looks = 0

    def look() -> Look:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise Unavailable(SAYS)
        return Look(is_good=True, evidence={"answers": True}, says=SAYS)

    assert wait_until_seen(look, timeout_s=5) == {"answers": True, "looks": 2}


def test_what_never_answers_is_not_proven_and_says_why() -> None:
    def look() -> Look:
        raise Unavailable(Text(ja="時間切れ", en="no answer within 3 s"))

    with pytest.raises(NotProven, match="no answer within 3 s"):
        wait_until_seen(look, timeout_s=0.2)


def test_what_is_wrong_with_the_question_itself_is_told_at_once() -> None:
    def look() -> Look:
        raise NotFound(Text(ja="ない", en="there is none"))

    with pytest.raises(NotFound):
        wait_until_seen(look, timeout_s=5)
