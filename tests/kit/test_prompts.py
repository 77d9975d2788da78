"""Prompts are files whose content is their version (R3.4-1)."""

from __future__ import annotations

from pathlib import Path

import pytest

from hrx.kit.prompts import PromptWrong, load_prompts
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R3.4-1")
_GOOD = "variables: [who]\nmodels: [skills]\ntext:\n  ja: 'こんにちは {{who}}'\n  en: 'Hello {{who}}'\n"


def test_what_is_put_in_is_not_read_for_places(tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text(_GOOD)
    prompt = load_prompts(tmp_path)["hello"]
    assert prompt.fill("en", {"who": "{{who}} {{other}}"}) == "Hello {{who}} {{other}}"
    assert prompt.fill("ja", {"who": "佐藤"}) == "こんにちは 佐藤"
    for values in ({}, {"who": "x", "other": "y"}):
        with pytest.raises(PromptWrong):
            prompt.fill("en", values)


def test_any_change_is_another_version_and_the_same_content_the_same(tmp_path: Path) -> None:
    path = tmp_path / "hello.yaml"
    versions = []
    for content in (_GOOD, _GOOD, _GOOD.replace("Hello", "Hi"), _GOOD.replace("[skills]", "[]")):
        path.write_text(content)
        versions.append(load_prompts(tmp_path)["hello"].version)
    assert versions[0] == versions[1]
    assert len(set(versions)) == 3


@pytest.mark.parametrize(
    "wrong",
    ["text: 1", _GOOD.replace("[who]", "[who, what]"), _GOOD.replace("Hello {{who}}", "Hello"), "- a\n"],
)
def test_a_wrong_file_is_named(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "hello.yaml").write_text(wrong)
    with pytest.raises(PromptWrong, match="hello"):
        load_prompts(tmp_path)


def test_the_products_prompts_can_be_read() -> None:
    assert "answer" in load_prompts(ROOT / "prompts")
    assert load_prompts(ROOT / "nowhere") == {}
