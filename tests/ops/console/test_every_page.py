"""Every page as it is read aloud: one title, headings in order, a name for each field and button, no code
where a person's word belongs. Fragments are read as part of the pages they belong to."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from hrx.ops.incidents.intake import take_signals
from hrx.ops.ledger.entries import Kind
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity
from tests.ops.browsing import Browser
from tests.ops.console.routes import all_routes, concrete
from tests.ops.incidents.conftest import make_signal, unresolved_about

pytestmark = pytest.mark.req("R5.4-1")

#: Not pages: downloads, and parts of other pages.
_NO_PAGES = re.compile(r"^/fragments/|/export|/preview/|^/language/|^/theme/|^/runs/")
_NAMED = ("input", "select", "textarea")
_VOID = ("input", "br", "img", "meta", "link", "hr", "rect", "path")


@dataclass
class Outline(HTMLParser):
    """What a reader without eyes learns of a page."""

    headings: list[tuple[int, str]] = field(default_factory=list)
    ids: Counter[str] = field(default_factory=Counter)
    nameless: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    title: str = ""
    _open: list[str] = field(default_factory=list)
    _label: int = 0
    _silent: int = 0
    _button: list[str] | None = None

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids[str(given["id"])] += 1
        if tag in ("h1", "h2", "h3", "h4"):
            self.headings.append((int(tag[1]), ""))
        self._label += tag == "label"
        self._silent += tag in ("code", "pre", "option", "svg", "textarea")
        is_shown = tag in _NAMED and given.get("type") != "hidden"
        if is_shown and not self._label and not given.get("aria-label"):
            self.nameless.append(f"{tag} {given.get('name')}")
        if tag in ("button", "a", "summary"):
            self._button = [str(given.get("aria-label") or "")]
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if dict(attrs).get("id"):
            self.ids[str(dict(attrs)["id"])] += 1

    def handle_endtag(self, tag: str) -> None:
        self._label -= tag == "label"
        self._silent -= tag in ("code", "pre", "option", "svg", "textarea")
        if tag in ("button", "a", "summary") and self._button is not None:
            if not "".join(self._button).strip():
                self.nameless.append(tag)
            self._button = None
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._button is not None:
            self._button.append(data)
        if self._open and self._open[-1] == "title":
            self.title += data
        if self.headings and any(tag in ("h1", "h2", "h3", "h4") for tag in self._open):
            level, said = self.headings[-1]
            self.headings[-1] = (level, said + data)
        if not self._silent and data.strip():
            self.words.append(data.strip())


def read(page: str) -> Outline:
    outline = Outline()
    outline.feed(page)
    return outline


def pages_of(plane: Plane, browser: Browser) -> list[str]:
    """Every page, with an incident, a plan and an entry that are really there."""
    take_signals(plane, [make_signal("part-down:redis", severity=Severity.CRITICAL)])
    incident = unresolved_about(plane, "redis")
    browser.post(f"/incidents/{incident.id}/post-mortem/begin")
    made = browser.post("/procedures/restart-part/plans", part="worker", reason="to be read")
    plan = made.headers["location"]
    paths = []
    for method, path, permission in all_routes():
        if method != "GET" or permission is None or _NO_PAGES.search(path):
            continue
        wanted = path.replace("{incident_id}", str(incident.id)).replace("/plans/{seq}", plan)
        wanted = wanted.replace("/alerts/rules/{name}", "/alerts/rules/PartDown")
        paths.append(concrete(wanted.replace("{seq}", "1")))
    return paths


@pytest.mark.parametrize("language", ["ja", "en"])
def test_every_page_has_one_title_headings_in_order_and_a_name_for_everything(
    browser: Browser, plane: Plane, language: str
) -> None:
    browser.get(f"/language/{language}")
    browser.sign_in("admin")
    paths = pages_of(plane, browser)
    assert len(paths) > 25
    wrong = []
    for path in [*paths, "/sign-in", "/nowhere"]:
        answer = browser.get(path)
        assert answer.status_code in (200, 303, 404), f"{path}: {answer.status_code}"
        if answer.status_code == 303:
            continue
        wrong += [f"{path}: {one}" for one in faults_of(read(answer.text))]
    assert wrong == []


def faults_of(outline: Outline) -> list[str]:
    found = [f"no name: {one}" for one in outline.nameless]
    found += [f"id twice: {name}" for name, times in outline.ids.items() if times > 1]
    # The menu has headings of its own before the page's.
    levels = [level for level, _ in outline.headings]
    if levels.count(1) != 1:
        found.append(f"{levels.count(1)} titles")
    else:
        own = outline.headings[levels.index(1) :]
        for (above, _), (level, said) in pairwise(own):
            if level > above + 1:
                found.append(f"h{above} is followed by h{level}: {said.strip()[:40]}")
    if not outline.title.removesuffix("· HRX-AI").strip():
        found.append("no title of the tab")
    found += [f"says {word}" for word in outline.words if word in ("None", "null", "True", "False")]
    found += [f"a code sign in a sentence: {word[:60]}" for word in outline.words if "`" in word]
    return found


def test_the_check_of_pages_finds_what_is_wrong() -> None:
    page = (
        "<title> · HRX-AI</title><h1>A</h1><h3>B</h3><input name='x'><a href='/'></a><i id='a'></i><b id='a'>"
    )
    assert len(faults_of(read(page))) == 5


def test_each_kind_of_the_ledger_is_a_word_of_the_filter(browser: Browser) -> None:
    browser.get("/language/ja")
    browser.sign_in("viewer")
    page = browser.get("/ledger").text
    for kind in Kind:
        assert f">{kind.value}</option>" not in page, f"{kind.value} has no Japanese word"


def test_an_incident_of_the_past_is_found_by_its_severity_and_a_filter_without_a_find_says_so(
    browser: Browser, plane: Plane
) -> None:
    take_signals(plane, [make_signal("part-down:redis", severity=Severity.CRITICAL)])
    incident = unresolved_about(plane, "redis")
    browser.sign_in("viewer")
    history = browser.get("/incidents?severity=1").text.partition("History")[2]
    assert f'href="/incidents/{incident.id}"' in history
    assert "No incident fits" in browser.get("/incidents?severity=4").text
    assert "No incident fits" in browser.get("/incidents?part=worker").text


def test_who_was_signed_in_is_told_why_they_are_asked_again(browser: Browser) -> None:
    assert "has run out" not in browser.get("/sign-in").text
    browser.client.cookies.set("hrx_ops_session", "of-yesterday")
    assert "has run out" in browser.get("/sign-in").text


def test_what_cannot_be_taken_back_says_so_and_asks_once_more(browser: Browser, plane: Plane) -> None:
    take_signals(plane, [make_signal("part-down:postgres", severity=Severity.CRITICAL)])
    incident = unresolved_about(plane, "postgres")
    browser.sign_in("responder")
    place = f"/incidents/{incident.id}/communication"
    browser.post(f"{place}/draft", audience="customers", kind="first")
    page = browser.get(place).text
    publish = page.partition("What is published cannot be taken back.")
    assert publish[1]
    assert publish[0].rpartition("<details")[2].count("</details>") == 0, "it is behind a question"
    assert f'action="{place}/' in publish[0].rpartition("<details")[2]
    assert faults_of(read(page)) == []
