"""Documents that a browser test brings along, uploaded as people do."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.portal import Seat

#: A title of its own for each test, so that none finds the other's.
RULE = """# 慶弔休暇規程 {mark}

## 第1条（目的）

この規程は、従業員の慶弔休暇について定める。

## 第2条（結婚休暇）

従業員本人が結婚するときは、連続して7日の結婚休暇を与える。

## 第3条（忌引休暇）

従業員の配偶者が死亡したときは、10日の忌引休暇を与える。
"""


async def upload_rule(seat: Seat, mark: str) -> None:
    """By the dialog, in Japanese; ends when the document answers questions."""
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
