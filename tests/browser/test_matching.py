"""Skills of a résumé and candidates for a role, as people see and decide them."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from typing import Any, Final

import pytest
from playwright.async_api import expect

from tests.acceptance.operating import run_hrx
from tests.browser.portal import Device, Language, Room, Seat
from tests.browser.test_pages import look_over
from tests.conftest import ROOT, Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("stack"),
    pytest.mark.req("R2-12", "R2-8"),
]
PATIENCE_S: Final = 120.0
PERSON: Final = 30
RESUMES: Final = (
    ("給与の担当", "給与計算と年末調整を8年担当。源泉徴収の実務。就業規則の改定と36協定の締結。"),
    ("開発の担当", "Python と TypeScript でソフトウェア開発を6年。クラウドの設計。"),
)
#: A file in a form, sent as the page's own scripts would.
_UPLOAD: Final = """
async ([title, text, person]) => {
  const session = await (await fetch("/api/v1/session")).json();
  const form = new FormData();
  form.set("file", new Blob([text], { type: "text/plain" }), `${title}.txt`);
  form.set("kind", "career_history");
  form.set("audience", person ? "person" : "hr");
  if (person) form.set("person_id", String(person));
  form.set("title", title);
  const answer = await fetch("/api/v1/documents", {
    method: "POST", headers: { "x-csrf-token": session.csrf_token }, body: form,
  });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()).items[0].id;
}
"""


@pytest.fixture(scope="module")
def live_model(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A trained model that answers; one that is live already stays."""
    folder = tmp_path_factory.mktemp("model") / "skills"
    subprocess.run(
        [sys.executable, "-m", "hrx.app.models.training", str(folder), "--seed", "31", "--texts", "1500"],
        cwd=ROOT,
        capture_output=True,
        timeout=240,
        check=True,
    )
    registered = run_hrx(stack, "release", "models", "register", str(folder), "--json")
    assert registered.returncode == 0, registered.stdout + registered.stderr
    version: str = json.loads(registered.stdout)["version"]
    moved = run_hrx(stack, "release", "models", "move", version, "--yes", "--reason", "shown", "--json")
    assert moved.returncode == 0, moved.stdout + moved.stderr
    return version


async def until_read(seat: Seat, document_id: int) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found: dict[str, Any] = await seat.api("GET", f"/api/v1/documents/{document_id}")
            if found["versions"][0]["state"] == "ready":
                return found
            await asyncio.sleep(0.5)


async def until_scored(seat: Seat, document: dict[str, Any]) -> None:
    """The part that scores looks for a switch every few seconds."""
    path = f"/api/v1/documents/{document['id']}/versions/{document['versions'][0]['id']}/skills"
    async with asyncio.timeout(PATIENCE_S):
        while True:
            status = await seat.page.evaluate("async (path) => (await fetch(path)).status", path)
            if status == 200:
                return
            await asyncio.sleep(0.5)


async def add_resumes(seat: Seat) -> list[int]:
    ids = []
    for title, body in RESUMES:
        person = PERSON if title.startswith("給与") else None
        ids.append(await seat.page.evaluate(_UPLOAD, [title, body, person]))
    for document_id in ids:
        await until_scored(seat, await until_read(seat, document_id))
    # Asked before the model was there.
    seat.forgive(503)
    return ids


async def test_a_person_decides_on_skills_and_candidates(room: Room, live_model: str) -> None:
    seat = await room.seat("hr", "ja")
    [payroll, _] = await add_resumes(seat)
    await seat.open(f"/documents/{payroll}")
    skill = seat.page.get_by_role("listitem", name="スキル「給与計算」")
    await expect(
        seat.page.get_by_text("決めるのは人で、人事記録に自動で入ることはありません。")
    ).to_be_visible()
    await skill.get_by_role("button", name="承認").click()
    await expect(skill.get_by_text("承認済み")).to_be_visible()
    assert await look_over(seat, "the résumé") == []

    await seat.open("/matching")
    await seat.page.get_by_label("役割の名前").fill("給与課長")
    await seat.page.get_by_label("仕事の内容").fill("給与計算と年末調整、源泉徴収の責任者。")
    await seat.page.get_by_label("労務管理").check()
    await seat.button("候補を探す").click()
    await expect(seat.page).to_have_url(re.compile(r"/matching/\d+$"))
    candidates = seat.page.get_by_role("list", name="候補者").locator("> li")
    first = candidates.first
    await expect(first.get_by_role("link", name="給与の担当")).to_be_visible()
    await first.get_by_role("button", name="検討する").click()
    await expect(first.get_by_text("検討中")).to_be_visible()
    await expect(seat.page.get_by_text("氏名・性別・年齢・住所は見ていません。")).to_be_visible()
    assert await look_over(seat, "the ranking") == []
    # A reason leads to the word in the text.
    await first.get_by_role("link", name="年末調整").click()
    await expect(seat.page).to_have_url(re.compile(r"/documents/\d+/versions/\d+\?at=\d+-\d+"))
    await expect(seat.page.locator("mark").first).to_contain_text("年末調整")


@pytest.mark.parametrize("device", ["desktop", "phone"])
@pytest.mark.parametrize("language", ["ja", "en"])
async def test_the_pages_are_accessible_and_fit(
    room: Room, live_model: str, language: Language, device: Device
) -> None:
    seat = await room.seat("hr", language, device=device)
    [payroll, _] = await add_resumes(seat)
    role = await seat.api(
        "POST",
        "/api/v1/role-profiles",
        {"title": "給与課長 / Head of payroll", "description": "給与計算と年末調整", "skills": ["english"]},
    )
    wrong: list[str] = []
    for path in (f"/documents/{payroll}", "/matching", f"/matching/{role['id']}"):
        await seat.open(path)
        wrong += await look_over(seat, path)
    assert wrong == []
