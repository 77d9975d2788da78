"""The recovery page: what would be lost, the time line, copies, and a restore that is looked at first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from hrx.kit import clock
from hrx.ops.ledger.entries import Kind
from hrx.ops.operators.roles import Role
from hrx.ops.recovery.keys import create_key
from hrx.ops.recovery.moments import note_version
from hrx.ops.recovery.positions import Position, Sample, write_position
from hrx.ops.recovery.proofs import Proof, write_proof
from hrx.ops.recovery.site import Site, open_site
from hrx.ops.recovery.wal import Segment
from hrx.ops.run.plane import Plane
from tests.ops.browsing import Browser, serving
from tests.ops.conftest import make_operator
from tests.ops.console.test_every_page import faults_of, read
from tests.ops.console.test_recovery_figures import put_backup, put_segment

pytestmark = pytest.mark.req("R6.2-1", "R6.1-2")


@pytest.fixture
def site(plane: Plane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("HRX_VAR_DIR", str(tmp_path / "var"))
    found = open_site(plane.settings)
    found.position_file.parent.mkdir(parents=True, exist_ok=True)
    return found


@pytest.fixture
def page(plane: Plane, site: Site) -> Iterator[Browser]:
    for role in (Role.VIEWER, Role.RESPONDER):
        make_operator(plane.ledger, role.value, role=role)
    with serving(plane) as address:
        browser = Browser(address)
        yield browser
        browser.close()


def put_position(site: Site, *, behind_s: float) -> None:
    now, end = clock.now(), 3 << 24
    sample = Sample(at=now - timedelta(seconds=behind_s), flushed=end, finished=100, running=0)
    newest = Sample(at=now, flushed=end + 900, finished=107, running=0)
    write_position(
        site.position_file,
        Position(
            system_identifier="1", timeline=1, checkpoint_lsn=end, flushed_lsn=end + 900,
            received_lsn=end + 10,
            seen_at=now, looked_at=now, answers=True, is_receiving=True, slot_state="reserved",
            samples=(sample, newest),
        ),
    )  # fmt: skip


def put_copy(site: Site, name: str, *, lost: int) -> None:
    counts = {"lost": lost, "regained": 400, "changed": 1}
    told = {
        "name": name, "state": "ready", "said": "latest", "meant": {"ja": "最新", "en": "the newest"},
        "began_at": clock.now(), "backup_ids": ["a"], "data_bytes": 5, "segments": 1, "ended_at": clock.now(),
        "reached": "0/3000060", "last_commit_at": clock.now(), "seconds": {"fetch": 2.0, "checks": 1.5},
        "findings": [
            {"title": {"ja": "行", "en": "Rows"}, "said": {"ja": "良", "en": "right"}, "is_well": True}
        ],
        "problem": None, "home": str(site.recovery_dir / "copies" / name),
        "comparison": {
            "is_living_known": True, "lost": lost, "regained": 400, "changed": 1,
            "tables": [{"table": "app.employees", "tenants": {"7": counts, "None": counts}}],
        },
    }  # fmt: skip
    folder = site.recovery_dir / "copies" / name
    folder.mkdir(parents=True)
    (folder / "copy.json").write_bytes(orjson.dumps(told))


def test_an_empty_place_says_so_and_what_to_type(page: Browser) -> None:
    page.sign_in("viewer")
    shown = page.get("/recovery")
    assert shown.status_code == 200
    assert "There is no backup yet." in shown.text
    assert "<code>hrx recover backup</code>" in shown.text
    assert "not known yet: no backup has been restored" in shown.text
    assert faults_of(read(shown.text)) == []


def test_the_four_figures_stand_beside_their_promise(page: Browser, site: Site) -> None:
    put_backup(site.folder, "a")
    now = clock.now()
    proof = Proof(
        backup_id="a", began_at=now, ended_at=now, is_well=True, seconds={"fetch": 2.0, "replay": 3.0},
        data_bytes=5, records_bytes=1 << 24, last_commit_at=now - timedelta(seconds=30),
    )  # fmt: skip
    write_proof(site.folder, proof)
    put_position(site, behind_s=1200)
    page.sign_in("viewer")
    figures = re.findall(
        r'<div class="clock c-(\w+)">.*?<b class="num">(.*?)</b>', page.get("/recovery").text, re.S
    )
    assert [verdict for verdict, _ in figures] == ["breached", "met", "met", "breached"]
    assert figures[0][1].startswith("20 min"), "1,200 s behind, and 15 min are promised"
    assert figures[3][1] == "everything", "no copy elsewhere"
    put_position(site, behind_s=2)
    assert 'class="clock c-met"><dt>Lost now' in page.get("/fragments/recovery").text
    assert 'class="clock c-met"><dt>Lost now' in page.get("/recovery").text, "told anew at every look"


def test_the_time_line_leads_to_just_before_what_happened(page: Browser, plane: Plane, site: Site) -> None:
    put_backup(site.folder, "a")
    note_version(plane.ledger, commit="8a338cc", schema="0041", actor="up", began_at=clock.now())
    plane.ledger.append(Kind.INCIDENT_OPENED, actor="intake", subject="incident:12", body={"severity": 1})
    page.sign_in("responder")
    shown = page.get("/recovery").text
    drawing, _, table = shown.partition("Moments of this time")
    for target in ("before%20deploy%208a338cc", "before%20incident%2012"):
        assert f'<a href="/recovery/restore?to={target}" tabindex="-1">' in drawing
        assert f'<a href="/recovery/restore?to={target}">' in table, "the list has it for keyboards"
    page.sign_in("viewer")
    assert "/recovery/restore" not in page.get("/recovery").text, (
        "who may only look gets no door that is shut"
    )


@pytest.mark.parametrize(("span", "is_seen"), [("1h", False), ("24h", True), ("nonsense", True)])
def test_the_span_chooses_what_is_seen(
    page: Browser, plane: Plane, site: Site, span: str, is_seen: bool
) -> None:
    put_backup(site.folder, "a", at=clock.now() - timedelta(hours=5))
    began = clock.now() - timedelta(hours=3)
    note_version(plane.ledger, commit="8a338cc", schema="0041", actor="up", began_at=began)
    page.sign_in("responder")
    assert ("8a338cc" in page.get(f"/recovery?span={span}").text) is is_seen


def test_a_young_place_shows_its_first_hour(page: Browser, site: Site) -> None:
    put_backup(site.folder, "a")
    page.sign_in("viewer")
    assert re.search(r'href="/recovery\?span=1h" aria-current', page.get("/recovery").text)


def test_a_gap_is_red_and_told(page: Browser, site: Site) -> None:
    put_backup(site.folder, "a")
    for number in (1, 2, 5):
        put_segment(site.folder, number)
    page.sign_in("viewer")
    shown = page.get("/recovery").text
    assert "Change records are missing (2)" in shown
    assert "<code>hrx recover fetch</code>" in shown


def test_a_copy_says_what_a_switch_means_and_leads_to_the_procedures(page: Browser, site: Site) -> None:
    put_copy(site, "friday", lost=1234)
    (site.layout.recovery / "kept" / "friday" / "data").mkdir(parents=True)
    page.sign_in("responder")
    shown = page.get("/recovery").text
    assert faults_of(read(shown)) == []
    card = shown.partition('id="copy-friday"')[2].partition("</article>")[0]
    assert '<code>app.employees</code></td><td class="num over">2,468' in card, "both tenants together"
    assert '<code>7</code></td><td class="num over">1,234' in card
    for procedure in ("switch-database", "switch-database-back", "bring-back-rows"):
        assert f'href="/procedures/{procedure}?copy=friday"' in card
        opened = page.get(f"/procedures/{procedure}?copy=friday")
        assert 'value="friday"' in opened.text


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_restore_is_looked_at_before_it_is_typed(page: Browser, site: Site, language: str) -> None:
    create_key(site.key_file)
    put_backup(site.folder, "a")
    page.get(f"/language/{language}")
    page.sign_in("responder")
    for to, status in (("", 200), ("soonish", 422), ("2001-01-01", 409), ("before incident 9", 409)):
        shown = page.get("/recovery/restore?to=" + to.replace(" ", "%20"))
        assert shown.status_code == status, to
        assert faults_of(read(shown.text)) == []
    shown = page.get("/recovery/restore?to=latest&name=Friday!")
    assert shown.status_code == 422
    assert not list(site.folder.list_names("wal")), "looking ships nothing"


def test_what_a_restore_means_and_what_to_type(page: Browser, site: Site) -> None:
    create_key(site.key_file)
    put_backup(site.folder, "a")
    name = f"wal/00000001/{Segment(1, 1).name}-{int(clock.now().timestamp())}"
    site.vault.put_bytes(name, bytes(1 << 24))
    page.sign_in("responder")
    shown = page.get("/recovery/restore?to=lsn:0/1000100&name=friday")
    assert shown.status_code == 200, shown.text
    assert "position 0/1000100" in shown.text
    assert "<code>hrx recover restore --to lsn:0/1000100 --name friday</code>" in shown.text
    assert "not known (the first on this machine)" in shown.text
    assert faults_of(read(shown.text)) == []
