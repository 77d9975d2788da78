"""What was uploaded answers a question, and the citation opens at the words it rests on."""

from __future__ import annotations

import re
import secrets

import pytest
from playwright.async_api import expect

from tests.browser.portal import Room

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.xdist_group("stack")]

RULE = """# 慶弔休暇規程 {mark}

## 第1条（目的）

この規程は、従業員の慶弔休暇について定める。

## 第2条（結婚休暇）

従業員本人が結婚するときは、連続して7日の結婚休暇を与える。

## 第3条（忌引休暇）

従業員の配偶者が死亡したときは、10日の忌引休暇を与える。
"""


@pytest.mark.req("R2-5")
@pytest.mark.timeout(150)
async def test_a_question_is_answered_with_a_citation_that_opens_at_its_words(room: Room) -> None:
    seat = await room.seat("hr", "ja")
    mark = secrets.token_hex(3)
    await seat.open("/documents")
    await seat.button("アップロード").click()
    dialog = seat.page.get_by_role("dialog")
    await dialog.locator("input[type=file]").first.set_input_files(
        {
            "name": f"慶弔休暇規程{mark}.md",
            "mimeType": "text/markdown",
            "buffer": RULE.format(mark=mark).encode(),
        }
    )
    await dialog.locator("button[type=submit]").click()
    await expect(dialog.get_by_role("status")).to_contain_text("1 件を受け付けました")
    await seat.page.keyboard.press("Escape")
    row = seat.page.get_by_role("link").filter(has_text=mark)
    # Read by the worker; the page hears of it by itself.
    await expect(row).to_contain_text("利用可", timeout=60_000)

    await seat.open("/assistant")
    box = seat.page.get_by_label("質問", exact=True)
    await box.fill("本人が結婚するときの結婚休暇は何日ですか")
    await box.press("Enter")
    chip = seat.page.get_by_role("link", name=re.compile("^根拠 1：")).first
    await expect(chip).to_be_visible(timeout=60_000)
    await chip.click()
    source = seat.page.get_by_role("complementary", name="引用元")
    await expect(source.locator("mark").first).to_contain_text("7日の結婚休暇")
    assert await seat.find_violations() == []
    await source.get_by_role("link", name="文書で開く").click()
    await expect(seat.page).to_have_url(re.compile(r"/documents/\d+/versions/\d+\?at=\d+-\d+"))
    await expect(seat.page.locator("#cited")).to_be_in_viewport()
