"""The page of releases: slots, requests, the rollout, the way back, and two buttons that return at once."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hrx.kit import clock
from hrx.kit.models.records import Alias
from hrx.kit.settings import SecretStr
from hrx.ops.console.pointer_watch import PointerWatch
from hrx.ops.ledger.entries import Kind
from hrx.ops.operators.roles import Role
from hrx.ops.release.gating.judging import Reason
from hrx.ops.release.gating.observing import Observations
from hrx.ops.release.models.moving import open_registry, open_signer
from hrx.ops.release.releases import CheckResult, Outcome, Slot
from hrx.ops.release.store import ReleaseStore
from hrx.ops.release.strategies.progress import Progress, Stand
from hrx.ops.release.strategies.rollout import Rollout, Strategy, plan_steps, stage_policy
from hrx.ops.release.strategies.storing import RolloutStore, rollout_folder
from hrx.ops.run.plane import Plane
from hrx.ops.targets.machine.haproxy import keep_live
from tests.ops.browsing import Browser, serving
from tests.ops.conftest import make_operator
from tests.ops.console.test_every_page import faults_of, read
from tests.ops.release.gating.releases import BASELINE
from tests.ops.release.models.making import GOOD, make_draft
from tests.ops.release.shop import R2, R3, R4, fill_store

pytestmark = pytest.mark.req("R3.1-2", "R3.1-3", "R3.7-1")


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "var"
    (folder / "run" / "edge").mkdir(parents=True)
    monkeypatch.setenv("HRX_VAR_DIR", str(folder))
    return folder


@pytest.fixture
def released(plane: Plane, var: Path) -> Plane:
    """A plane of a machine of its own, without a database to look at."""
    settings = plane.settings.model_copy(update={"var_dir": var, "ops_database_url": None})
    return replace(plane, settings=settings)


@pytest.fixture
def page(released: Plane) -> Iterator[Browser]:
    for role in (Role.VIEWER, Role.RESPONDER):
        make_operator(released.ledger, role.value, role=role)
    with serving(released) as address:
        browser = Browser(address)
        yield browser
        browser.close()


@pytest.fixture
def rollouts(var: Path) -> RolloutStore:
    return RolloutStore(rollout_folder(var))


def make_progress(release_id: str = "r3", *, new: Slot = Slot.BLUE, step: int = 1) -> Progress:
    rollout = Rollout(id=f"to-{release_id}", release_id=release_id, strategy=Strategy.CANARY, new=new)
    policy, now = stage_policy(rollout), clock.now()
    seen = Observations.begin(policy, old=BASELINE, new=BASELINE, baseline=BASELINE)
    return Progress(
        rollout=rollout,
        began_at=now - timedelta(minutes=2),
        step_at=now,
        step=step,
        seen={"api": seen},
    )


def make_asking(release_id: str = "r3") -> Progress:
    """Everybody is back on the old version until a person answers."""
    asked = make_progress(release_id).stop(Stand.ASKING, Reason.TOO_LITTLE_TRAFFIC, now=clock.now())
    return replace(asked, is_withdrawn=True)


def make_promoted(release_id: str, *, new: Slot) -> Progress:
    begun = make_progress(release_id, new=new)
    return begun.go_to(len(plan_steps(begun.rollout)), now=clock.now())


@pytest.mark.parametrize("language", ["ja", "en"])
def test_where_nothing_was_released_it_says_so_and_what_to_type(page: Browser, language: str) -> None:
    page.get(f"/language/{language}")
    page.sign_in("responder")
    shown = page.get("/releases")
    assert shown.status_code == 200
    assert {"ja": "リリースはまだありません。", "en": "Nothing was released yet."}[language] in shown.text
    assert "<code>hrx release build</code>" in shown.text
    assert "<code>hrx release deploy</code>" in shown.text
    assert 'action="/releases' not in shown.text, "there is nothing to go back from"
    assert faults_of(read(shown.text)) == []


def test_a_slot_says_what_it_holds_who_placed_it_and_where_a_restart_sends_people(
    page: Browser, var: Path
) -> None:
    fill_store(var / "releases", live=R3)
    keep_live(var / "run" / "edge", "api", "green")
    page.sign_in("viewer")
    shown = page.get("/releases").text
    blue = shown.partition('id="slot-blue"')[2].partition("</article>")[0]
    green = shown.partition('id="slot-green"')[2].partition("</article>")[0]
    assert "<b>r3</b> 1.3.0 <code>3c8f2a61d0</code>" in blue
    assert "<b>r2</b> 1.2.0" in green
    assert "sato" in blue
    assert "not known" in blue, "no edge answers here, and nothing is guessed"
    assert "here after a restart of the edge" in green.partition("api")[2].partition("web")[0]
    assert "here after a restart of the edge" not in blue.partition("api")[2].partition("web")[0]


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_rollout_under_way_shows_its_steps_its_comparison_and_the_way_back(
    page: Browser, var: Path, rollouts: RolloutStore, language: str
) -> None:
    fill_store(var / "releases", live=R3)
    page.get(f"/language/{language}")
    page.sign_in("responder")
    with rollouts.locked():
        rollouts.save(make_progress())
        shown = page.get("/releases").text
    assert faults_of(read(shown)) == []
    assert 'aria-current="step"' in shown
    rows = re.findall(r'<td class="nowrap">(\w+).*?</td><td class="num">(\d+ %)</td>', shown)
    assert rows == [("green", "90 %"), ("blue", "10 %")]
    assert 'action="/releases/back"' in shown
    assert 'action="/releases/on"' not in shown, "it asks nothing"


def test_the_way_back_is_asked_for_at_once_by_name_and_only_by_who_may(
    page: Browser, var: Path, released: Plane, rollouts: RolloutStore
) -> None:
    fill_store(var / "releases", live=R3)
    page.sign_in("viewer")
    with rollouts.locked():
        rollouts.save(make_progress())
        assert 'action="/releases/' not in page.get("/releases").text
        assert page.post("/releases/back", rollout="to-r3").status_code == 403
        assert not rollouts.is_asked_back("to-r3")
        page.sign_in("responder")
        stale = page.post("/releases/back", rollout="to-r2")
        assert stale.status_code == 409, "another rollout than the one that was looked at"
        assert not rollouts.is_asked_back("to-r3")
        pressed = page.post("/releases/back", rollout="to-r3")
        assert (pressed.status_code, pressed.headers["location"]) == (303, "/releases")
        assert rollouts.is_asked_back("to-r3")
        after = page.get("/releases").text
    assert "was asked for and begins within seconds" in after
    assert 'action="/releases/back"' not in after
    told = released.ledger.find_last(Kind.ROLLOUT)
    assert told is not None
    assert (told.actor, told.subject) == ("responder", "release:r3")
    assert told.body["asked"] == "roll_back"


def test_a_rollout_that_asks_goes_on_when_a_person_says_so(
    page: Browser, var: Path, released: Plane, rollouts: RolloutStore
) -> None:
    fill_store(var / "releases", live=R3)
    rollouts.save(make_asking())
    page.sign_in("responder")
    shown = page.get("/releases").text
    assert "Waits for a decision" in shown
    assert "too few requests" in shown
    assert faults_of(read(shown)) == []
    assert 'action="/releases/on"' in shown
    assert 'action="/releases/back"' in shown
    assert page.post("/releases/on", rollout="to-r3").status_code == 303
    assert rollouts.get().stand is Stand.RUNNING
    told = released.ledger.find_last(Kind.ROLLOUT)
    assert told is not None
    assert (told.actor, told.body["asked"]) == ("responder", "promote")
    assert page.post("/releases/on", rollout="to-r3").status_code == 409, "it asks no more"


def test_after_its_end_a_press_is_enough_where_the_plan_moves_requests_only(
    page: Browser, var: Path, rollouts: RolloutStore
) -> None:
    """r1 runs on the tables of r2, and knows all of its jobs."""
    fill_store(var / "releases", live=R2)
    rollouts.save(make_promoted("r2", new=Slot.GREEN))
    page.sign_in("responder")
    shown = page.get("/releases").text
    assert faults_of(read(shown)) == []
    assert "Going back from r2 to r1" in shown
    assert "Planned from recorded tables" in shown
    assert 'action="/releases/back"' in shown
    assert page.post("/releases/back", rollout="to-r2").status_code == 303
    assert rollouts.is_asked_back("to-r2")


def test_after_its_end_jobs_that_only_the_new_version_knows_forbid_the_press(
    page: Browser, var: Path, rollouts: RolloutStore
) -> None:
    fill_store(var / "releases", live=R3)
    rollouts.save(make_promoted("r3", new=Slot.BLUE))
    page.sign_in("responder")
    shown = page.get("/releases").text
    assert faults_of(read(shown)) == []
    assert "Jobs that only the new version knows have to be done first" in shown
    assert 'action="/releases/back"' not in shown
    assert page.post("/releases/back", rollout="to-r3").status_code == 409
    assert not rollouts.is_asked_back("to-r3")


def test_where_the_planner_refuses_there_is_no_button_and_what_is_safe_instead(
    page: Browser, var: Path, rollouts: RolloutStore
) -> None:
    store = fill_store(var / "releases", live=R4)
    environment = next(iter((store.folder / "_placed").iterdir()))
    assert environment.name == "development.jsonl"
    # r1 reads `kana`, which the tables of r4 have no more.
    lines = environment.read_text().replace('"release":"r3"', '"release":"r1"')
    environment.write_text(lines)
    rollouts.save(make_promoted("r4", new=Slot.GREEN))
    page.sign_in("responder")
    shown = page.get("/releases").text
    assert faults_of(read(shown)) == []
    assert "What would be safe instead" in shown
    assert "Nothing shows that going back is safe." in shown
    assert 'action="/releases/back"' not in shown
    refused = page.post("/releases/back", rollout="to-r4")
    assert refused.status_code == 409
    assert not rollouts.is_asked_back("to-r4")


def test_what_was_rolled_back_says_why_and_offers_no_button(
    page: Browser, var: Path, rollouts: RolloutStore
) -> None:
    fill_store(var / "releases", live=R2)
    gone = make_progress().stop(Stand.ROLLED_BACK, Reason.MORE_ERRORS, now=clock.now())
    rollouts.save(replace(gone, harm=4.0, seen={}))
    page.sign_in("responder")
    shown = page.get("/releases").text
    assert "Rolled back" in shown
    assert "fail more often than the old one" in shown
    assert "Bad answers: 4.0" in shown
    assert 'action="/releases/' not in shown
    assert "The version before is back already." in shown
    assert page.post("/releases/back", rollout="to-r3").status_code == 409


def test_the_page_is_loaded_anew_when_other_buttons_belong_on_it(
    page: Browser, rollouts: RolloutStore
) -> None:
    page.sign_in("viewer")
    assert "hx-refresh" not in page.get("/fragments/releases?seen=none").headers
    rollouts.save(make_asking())
    assert page.get("/fragments/releases?seen=none").headers["hx-refresh"] == "true"
    live = page.get("/fragments/releases?seen=to-r3-asking")
    assert "hx-refresh" not in live.headers
    assert "Waits for a decision" in live.text


def test_what_was_not_checked_is_said_as_such(page: Browser, var: Path) -> None:
    store = ReleaseStore(var / "releases")
    unchecked = CheckResult(name="tests", outcome=Outcome.NOT_CHECKED, detail="a build runs none")
    passed = CheckResult(name="lint", outcome=Outcome.PASSED)
    store.add(replace(R2, checks=(unchecked, passed)))
    store.add(R3)
    page.sign_in("viewer")
    shown = page.get("/releases").text
    assert faults_of(read(shown)) == []
    checked = shown.partition('id="release-r2"')[2].partition("</article>")[0]
    assert "Every test: not checked" in checked
    assert "a build runs none" in checked
    assert "lint: passed" in checked
    assert "none recorded, so not checked" in shown.partition('id="release-r3"')[2]


def test_a_record_that_cannot_be_read_is_told_not_guessed(
    page: Browser, var: Path, rollouts: RolloutStore
) -> None:
    rollouts.save(make_progress())
    (rollout_folder(var) / "current.json").write_text("{")
    page.sign_in("viewer")
    shown = page.get("/releases")
    assert shown.status_code == 200
    assert "cannot be read" in shown.text
    assert "cannot be read" in page.get("/fragments/releases").text
    assert "how things stand is not known" in page.get("/chapters/3").text


def test_without_its_database_nobody_says_that_back_is_safe(
    plane: Plane, released: Plane, var: Path, rollouts: RolloutStore
) -> None:
    fill_store(var / "releases", live=R2)
    rollouts.save(make_promoted("r2", new=Slot.GREEN))
    settings = released.settings.model_copy(update={"ops_database_url": plane.settings.ops_database_url})
    make_operator(released.ledger, "responder", role=Role.RESPONDER)
    with serving(replace(released, settings=settings)) as address:
        browser = Browser(address)
        browser.sign_in("responder")
        shown = browser.get("/releases")
        refused = browser.post("/releases/back", rollout="to-r2")
        browser.close()
    assert (shown.status_code, refused.status_code) == (200, 409)
    assert faults_of(read(shown.text)) == []
    assert "Nothing shows that going back is safe" in shown.text
    assert 'action="/releases/back"' not in shown.text
    assert "hrx_ops:x" not in shown.text, "no password on the page"
    assert not rollouts.is_asked_back("to-r2")


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_chapter_shows_how_things_stand(
    page: Browser, var: Path, rollouts: RolloutStore, language: str
) -> None:
    fill_store(var / "releases", live=R3)
    rollouts.save(make_asking())
    page.get(f"/language/{language}")
    page.sign_in("viewer")
    shown = page.get("/chapters/3").text
    assert faults_of(read(shown)) == []
    for section in ("3.1", "3.7"):
        part = shown.partition(f'id="s-{section}"')[2].partition("</section>")[0]
        assert '<a href="/releases">' in part
        assert "<b>blue</b> r3 1.3.0" in part
        assert {"ja": "確認待ち", "en": "Waits for a decision"}[language] in part


@pytest.mark.req("R3.4-1")
@pytest.mark.parametrize("language", ["ja", "en"])
def test_models_say_what_is_live_in_the_shadow_and_before_and_who_moved_them(
    page: Browser, released: Plane, language: str
) -> None:
    page.get(f"/language/{language}")
    page.sign_in("viewer")
    empty = page.get("/fragments/releases/pointers").text
    assert "hrx release models register" in empty
    signer = open_signer(released.settings)
    registry = open_registry(released.settings)
    first, second, third = (
        registry.register(
            replace(make_draft(weight, metrics={**GOOD, "f1": f1}), model="skills"), signer=signer, by="sato"
        ).version
        for weight, f1 in ((1.0, 0.94), (1.1, 0.95), (1.2, 0.85))
    )
    for alias, version in ((Alias.LIVE, first), (Alias.LIVE, second), (Alias.SHADOW, third)):
        registry.move("skills", alias, to=version, signer=signer, by="suzuki", reason="monthly")
    with serving(released) as address:
        # A console that has not looked yet: what was found is shown for ten seconds.
        other = Browser(address)
        other.get(f"/language/{language}")
        other.sign_in("viewer")
        assert 'hx-get="/fragments/releases/pointers"' in other.get("/releases").text
        shown = other.get("/fragments/releases/pointers").text
        other.close()
    row = shown.partition('id="model-skills"')[2].partition("</tr>")[0]
    _, live, shadow, previous, moved = row.split("<td")[1:]
    assert second in live
    assert "0.950" in live
    assert third in shadow
    assert 't-bad">f1' in shadow, "below what the runbook demands"
    assert first in previous
    assert "suzuki" in moved
    assert "monthly" in moved


@pytest.mark.req("R3.4-1")
def test_a_database_that_does_not_answer_leaves_the_models_and_says_not_known(
    released: Plane, page: Browser
) -> None:
    page.sign_in("viewer")
    shown = page.get("/fragments/releases/pointers")
    assert shown.status_code == 200
    models, indexes = shown.text.split("Search indexes")
    assert "No model is registered yet" in models
    assert "Not known" in indexes
    assert "hrx release indexes list" in indexes
    assert "postgresql://" not in indexes


@pytest.mark.req("R3.4-1")
def test_a_hanging_store_holds_up_no_page_and_is_asked_once(released: Plane) -> None:
    """A server that takes the connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = released.settings.model_copy(
            update={
                "model_store_url": "s3://models/hrx",
                "model_store_endpoint": f"http://127.0.0.1:{silent.getsockname()[1]}",
                "model_store_access_key_id": SecretStr("nobody"),
                "model_store_secret_access_key": SecretStr("nothing"),
            }
        )
        watch = PointerWatch(replace(released, settings=settings))
        models, _ = watch.look(within_s=0.3)
        again, _ = watch.look(within_s=0.3)
        silent.settimeout(10)
        silent.accept()[0].close()
    for found in (models, again):
        assert found.found is None
        assert found.problem is not None
        assert found.problem.stable_code == "release.pointers_silent"


def test_a_refusal_is_told_in_the_readers_language(page: Browser, rollouts: RolloutStore) -> None:
    page.get("/language/ja")
    page.sign_in("responder")
    rollouts.save(make_progress())
    refused = page.post("/releases/on", rollout="to-r2")
    assert refused.status_code == 409
    told = refused.text.partition('role="alert"')[2].partition("</div>")[0]
    assert re.search(r"[ぁ-ん]", told), told
