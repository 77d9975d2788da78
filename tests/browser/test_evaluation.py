"""Question sets in the portal: made, filled, asked now, and what went wrong shown with its place."""

from __future__ import annotations

import re
import secrets

import pytest
from playwright.async_api import expect

from tests.browser.portal import Room, Seat
from tests.browser.shelf import upload_rule

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.xdist_group("stack"),
    pytest.mark.req("R2-6"),
]


async def make_set(seat: Seat, name: str) -> None:
    await seat.open("/evaluation")
    await seat.button("質問集を作成").first.click()
    dialog = seat.page.get_by_role("dialog")
    await dialog.get_by_label(re.compile("^名前")).fill(name)
    await dialog.get_by_role("button", name="質問集を作成").click()
    await expect(seat.page).to_have_url(re.compile(r"/evaluation/sets/\d+$"))
    await expect(seat.page.get_by_role("heading", level=1)).to_have_text(name)


@pytest.mark.timeout(240)
async def test_hr_makes_a_set_asks_it_now_and_sees_what_was_found_instead(room: Room) -> None:
    seat = await room.seat("hr", "ja")
    mark = secrets.token_hex(3)
    await upload_rule(seat, mark)
    await make_set(seat, f"休暇 {mark}")
    dialog = seat.page.get_by_role("dialog")

    await seat.button("質問を追加").first.click()
    await dialog.get_by_label(re.compile("^質問")).fill(f"{mark} 結婚休暇は何日ですか")
    await seat.choose("答えが書かれている文書", typed=mark, option=f"慶弔休暇規程 {mark}")
    words = dialog.get_by_label(re.compile("の答えの箇所"))
    await words.fill("連続して8日の結婚休暇")
    await dialog.get_by_role("button", name="質問を追加").click()
    await expect(dialog.get_by_text("この文は文書の中の一つの段落に見つかりません")).to_be_visible()
    assert await seat.find_violations() == []
    await words.fill("連続して7日の結婚休暇")
    await dialog.get_by_role("button", name="質問を追加").click()
    await expect(dialog).to_have_count(0)
    questions = seat.page.get_by_role("list", name="質問")
    await expect(questions.get_by_role("listitem").first).to_contain_text("結婚休暇は何日ですか")

    await seat.button("ファイルから取り込む").click()
    # The last one is answered all the same: that is what the run finds out.
    rows = [f"{mark} 休暇は何日ですか,,慶弔休暇規程 {mark},", f"{mark} 忌引休暇は何日ですか,見つからない,,"]
    for wrong, line in ((True, f"{mark} 賞与はいつですか,,賞与規程{mark},"), (False, "")):
        content = "\r\n".join(["質問,期待,文書,該当箇所", *rows, line]).encode("utf-8-sig")
        await dialog.locator("input[type=file]").set_input_files(
            {"name": "questions.csv", "mimeType": "text/csv", "buffer": content}
        )
        await dialog.get_by_role("button", name="取り込む", exact=True).click()
        if wrong:
            await expect(dialog.get_by_text(f"「賞与規程{mark}」という文書はありません")).to_be_visible()
            await expect(dialog.get_by_text("3 問目")).to_be_visible()
    await expect(dialog).to_have_count(0)
    await expect(seat.page.get_by_text(f"{mark} 忌引休暇は何日ですか")).to_be_visible()
    assert await seat.find_violations() == []
    seat.forgive(422)

    await seat.open("/evaluation")
    row = seat.page.get_by_role("list", name="質問集").get_by_role("listitem").filter(has_text=mark)
    # A new release is evaluated by itself, perhaps meanwhile: only a run from now on knows what was imported.
    await seat.button("今すぐ評価").click(timeout=60_000)
    await expect(row).to_contain_text("該当なし", timeout=90_000)
    await expect(row).to_contain_text("に評価")
    await seat.settle()
    assert await seat.find_violations() == []
    await seat.page.get_by_role("link", name="うまくいかなかった質問を見る").click()
    worst = seat.page.get_by_role("listitem").filter(has_text=f"{mark} 忌引休暇は何日ですか").first
    await expect(worst).to_contain_text("余計な回答")
    await worst.get_by_role("link", name=re.compile("^1 番目：慶弔休暇規程")).click()
    await expect(seat.page.locator("#cited").first).to_be_in_viewport()
    await seat.page.go_back()
    await seat.settle()
    assert await seat.find_violations() == []


@pytest.mark.timeout(150)
async def test_a_question_is_edited_and_a_set_is_paused_and_deleted_by_keyboard(room: Room) -> None:
    seat = await room.seat("owner", "ja", device="phone")
    mark = secrets.token_hex(3)
    await make_set(seat, f"駐車 {mark}")
    dialog = seat.page.get_by_role("dialog")
    await seat.button("質問を追加").first.click()
    await dialog.get_by_label(re.compile("^質問")).fill("社用車の駐車場はどこですか")
    await dialog.get_by_label("この質問の答え").select_option("not_found")
    await dialog.get_by_role("button", name="質問を追加").click()
    await expect(dialog).to_have_count(0)
    edit = seat.button("「社用車の駐車場はどこですか」を編集")
    await edit.focus()
    await seat.page.keyboard.press("Enter")
    await dialog.get_by_label(re.compile("^質問")).fill("自転車の駐輪場はどこですか")
    await dialog.get_by_role("button", name="保存する").click()
    await expect(seat.button("「自転車の駐輪場はどこですか」を編集")).to_be_visible()
    await expect(edit).to_have_count(0)
    assert await seat.find_violations() == []
    assert await seat.overflow_px() == 0

    for command in ("評価を停止", "質問集を削除"):
        await seat.button("質問集の操作").focus()
        await seat.page.keyboard.press("Enter")
        item = seat.page.get_by_role("menuitem", name=command)
        await item.focus()
        await seat.page.keyboard.press("Enter")
        if command == "評価を停止":
            await expect(seat.page.get_by_text("停止中", exact=True)).to_be_visible()
    await dialog.get_by_role("button", name="質問集を削除").click()
    await expect(seat.page).to_have_url(re.compile(r"/evaluation$"))
    await expect(seat.page.get_by_role("link").filter(has_text=mark)).to_have_count(0)


async def test_an_auditor_reads_figures_and_changes_nothing(room: Room) -> None:
    seat = await room.seat("auditor", "en")
    await seat.open("/evaluation")
    await expect(seat.page.get_by_role("heading", name="Search weights")).to_be_visible()
    for name in ("New question set", "Evaluate now"):
        await expect(seat.button(name)).to_have_count(0)
    assert await seat.find_violations() == []
