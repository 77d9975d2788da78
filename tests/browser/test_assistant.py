"""What was uploaded answers a question, and the citation opens at the words it rests on."""

from __future__ import annotations

import re
import secrets

import pytest
from playwright.async_api import expect

from tests.browser.portal import Room
from tests.browser.shelf import upload_rule

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.xdist_group("stack")]


@pytest.mark.req("R2-5")
@pytest.mark.timeout(150)
async def test_a_question_is_answered_with_a_citation_that_opens_at_its_words(room: Room) -> None:
    seat = await room.seat("hr", "ja")
    mark = secrets.token_hex(3)
    await upload_rule(seat, mark)
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


@pytest.mark.req("R2-6")
@pytest.mark.timeout(150)
async def test_a_question_goes_to_hr_only_when_its_asker_ticks_so(room: Room) -> None:
    mark = secrets.token_hex(3)
    asker = await room.seat("employee", "ja")
    for number in (1, 2):
        await asker.open("/assistant")
        box = asker.page.get_by_label("質問", exact=True)
        await box.fill(f"社用車の駐車場 {mark}-{number} はどこですか")
        await box.press("Enter")
        await asker.button("役に立たなかった").click(timeout=60_000)
        if number == 1:
            await asker.button("閉じる").click()
            continue
        await asker.page.get_by_label("この質問を人事部と共有する").check()
        assert await asker.find_violations() == []
        await asker.button("送信").click()
        await expect(asker.page.get_by_text("質問を人事部と共有しました")).to_be_visible()
    hr = await room.seat("hr", "ja")
    await hr.open("/evaluation")
    row = hr.page.get_by_role("listitem").filter(has_text=mark)
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text(f"{mark}-2")
    await row.get_by_role("button", name="削除", exact=True).click()
    await expect(row).to_have_count(0)
