"""A file becomes people only after every cell was looked at."""

from __future__ import annotations

import io
import re
import secrets

import openpyxl
import pytest
from playwright.async_api import expect

from tests.browser.portal import Language, Room, Seat

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.xdist_group("stack")]

HEADINGS = {
    "ja": ["社員番号", "姓", "名", "姓（カナ）", "名（カナ）", "入社日", "組織"],
    "en": ["Employee number", "Family name", "Given name", "Family name (kana)", "Given name (kana)",
           "Hired on", "Org unit"],
}  # fmt: skip
CHECK = {"ja": "内容を確認する", "en": "Check the file"}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def rows_of(mark: str, *, hired_on: str) -> list[list[str]]:
    """Two people; the hire date of the second is as given."""
    return [
        [f"T{mark}1", "入江", "紬", "イリエ", "ツムギ", "2026-04-01", "経理部"],
        [f"T{mark}2", "柊", "蒼", "ヒイラギ", "アオイ", hired_on, "経理部"],
    ]


def csv_of(language: Language, rows: list[list[str]], *, encoding: str) -> bytes:
    return "\r\n".join(",".join(row) for row in [HEADINGS[language], *rows]).encode(encoding)


def xlsx_of(language: Language, rows: list[list[str]]) -> bytes:
    book = openpyxl.Workbook()
    for row in [HEADINGS[language], *rows]:
        book.active.append(row)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


async def upload_and_check(seat: Seat, *, name: str, mime: str, content: bytes) -> None:
    await seat.open("/imports")
    await seat.page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": mime, "buffer": content}
    )
    await expect(seat.page).to_have_url(re.compile(r"/imports/\d+$"))
    await seat.button(CHECK[seat.language]).click()
    # The check is the worker's; its end reaches the page by itself.
    await expect(seat.page.locator("dl")).to_be_visible(timeout=30_000)


@pytest.mark.req("R2-2")
async def test_a_wrong_cell_is_named_and_nothing_is_half_done(room: Room) -> None:
    seat = await room.seat("hr", "ja")
    mark = secrets.token_hex(3)
    content = csv_of("ja", rows_of(mark, hired_on="2026-02-30"), encoding="cp932")
    await upload_and_check(seat, name="入社者.csv", mime="text/csv", content=content)
    row = seat.page.get_by_role("row").filter(has_text=f"T{mark}2")
    await expect(row.get_by_role("cell").first).to_have_text("3")
    await expect(row.get_by_role("strong").first).to_have_text("入社日")
    await expect(seat.page.get_by_role("row").filter(has_text=f"T{mark}1")).to_have_count(0)
    await expect(seat.button("1 行を反映する")).to_be_disabled()
    assert await seat.find_violations() == []
    found = await seat.api("GET", f"/api/v1/people?status=all&q=T{mark}1")
    assert found["total"] == 0


@pytest.mark.req("R2-2")
@pytest.mark.parametrize(("kind", "language"), [("csv", "ja"), ("xlsx", "en")])
async def test_a_checked_file_is_applied_and_its_people_are_there(
    room: Room, kind: str, language: Language
) -> None:
    seat = await room.seat("hr", language)
    mark = secrets.token_hex(3)
    rows = rows_of(mark, hired_on="2026-04-01")
    content = csv_of(language, rows, encoding="utf-8-sig") if kind == "csv" else xlsx_of(language, rows)
    mime = "text/csv" if kind == "csv" else XLSX
    await upload_and_check(seat, name=f"new.{kind}", mime=mime, content=content)
    await expect(seat.page.get_by_role("row").filter(has_text=f"T{mark}")).to_have_count(2)
    assert (await seat.api("GET", f"/api/v1/people?status=all&q=T{mark}1"))["total"] == 0
    commit = {"ja": "2 行を反映する", "en": "Commit 2 rows"}[language]
    await seat.button(commit).click()
    ended = {"ja": "取り込みが完了しました", "en": "The import is complete"}[language]
    await expect(seat.page.get_by_text(ended)).to_be_visible(timeout=30_000)
    await seat.open(f"/people?q=T{mark}2")
    await expect(seat.page.locator("a[data-row-link]")).to_have_count(1)


@pytest.mark.req("R2-2")
async def test_a_file_that_is_no_table_is_refused_in_words(room: Room) -> None:
    seat = await room.seat("hr", "ja")
    await seat.open("/imports")
    await seat.page.locator("input[type=file]").set_input_files(
        {"name": "社員.xlsx", "mimeType": XLSX, "buffer": b"PK\x03\x04 this is no workbook"}
    )
    await expect(seat.alert()).to_contain_text("Excelブックとして読めません")
    await expect(seat.page).to_have_url(re.compile("/imports$"))
    seat.forgive(422)
