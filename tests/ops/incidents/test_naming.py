"""An incident's title: the words of its first condition, with the part by its name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hrx.kit.errors import Text
from hrx.ops.incidents.intake import take_signals
from hrx.ops.run.plane import Plane
from tests.ops.incidents.conftest import make_signal, unresolved

pytestmark = pytest.mark.req("R5.1-1")


@pytest.mark.parametrize(
    ("said", "title"),
    [
        (
            Text(ja="api-blue が応答していません。", en="api-blue does not answer."),
            Text(ja="API(blue)が応答していません", en="API (blue) does not answer"),
        ),
        (
            Text(ja="my-api-blue-2 と api-blue2 は別です", en="my-api-blue-2 and api-blue2 are others"),
            Text(ja="my-api-blue-2 と api-blue2 は別です", en="my-api-blue-2 and api-blue2 are others"),
        ),
    ],
)
def test_a_title_has_no_full_stop_and_calls_the_part_by_its_name(
    quiet: Plane, said: Text, title: Text
) -> None:
    take_signals(quiet, [replace(make_signal("part-down:api-blue"), summary=said)])
    (found,) = unresolved(quiet)
    assert found.part == "api-blue"
    assert found.title == title
