"""Every action that the product puts on its audit trail has a name in the portal, in both languages."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.req("R2-1")


def list_actions() -> set[str]:
    sources = (ROOT / "src" / "hrx" / "app").rglob("*.py")
    return {
        found
        for one in sources
        for found in re.findall(
            r'(?:action=|_record\(\s*session, )"([a-z_]+\.[a-z_]+)"', one.read_text("utf-8")
        )
    }


@pytest.mark.parametrize("place", ["audit/action-name.ts", "messages/ja/audit.ts", "messages/en/audit.ts"])
def test_every_action_has_a_name(place: str) -> None:
    actions = list_actions()
    assert len(actions) > 30
    named = (ROOT / "web" / "src" / place).read_text("utf-8")
    # Keys of the catalogues hold no dots.
    wanted = actions if place.endswith("-name.ts") else {one.replace(".", "-", 1) for one in actions}
    assert {one for one in wanted if f'"{one}"' not in named} == set()
