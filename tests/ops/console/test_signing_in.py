"""Signing in and out, the limits on trying, sessions, and the second factor."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest

from hrx.kit import clock
from hrx.kit.errors import TooMany
from hrx.ops.console.desk import safe_return_path
from hrx.ops.ledger.entries import EntryFilter, Kind
from hrx.ops.operators.accounts import disable_operator, set_totp
from hrx.ops.operators.roles import Role
from hrx.ops.operators.sign_in import WrongSignIn, authenticate, find_session, sign_in
from hrx.ops.run.plane import Plane
from tests.ops.browsing import Browser
from tests.ops.conftest import PASSWORD, make_operator

pytestmark = pytest.mark.req("R5.4-1")


def test_signing_in_out_and_in_again_is_on_record(browser: Browser, plane: Plane) -> None:
    answer = browser.client.post(
        "/sign-in", data={"name": "viewer", "password": PASSWORD, "next": "/ledger?kind=plan"}
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == "/ledger?kind=plan"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert browser.get("/").status_code == 200
    old = browser.client.cookies["hrx_ops_session"]
    assert browser.post("/sign-out").status_code == 303
    browser.client.cookies.set("hrx_ops_session", old)
    assert browser.get("/").status_code == 303, "a token still works after signing out"
    kinds = [e.kind for e in plane.ledger.list_entries(EntryFilter(actor="viewer"))]
    assert kinds == [Kind.SIGN_OUT, Kind.SIGN_IN]


@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "a"]
)
def test_signing_in_never_leads_to_another_site(path: str) -> None:
    assert safe_return_path(path) == "/"


def test_five_wrong_passwords_close_the_door_for_a_while(browser: Browser) -> None:
    answers = [browser.sign_in("viewer", f"wrong password {number}") for number in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) > 200
    assert browser.sign_in("viewer").status_code == 429, "the right password opens a closed door"


def test_the_door_opens_again_after_its_window(plane: Plane) -> None:
    make_operator(plane.ledger, "aoki")

    def try_in(password: str, address: str = "10.0.0.1") -> None:
        authenticate(plane.ledger, plane.settings, name="aoki", password=password, code="", address=address)

    for _ in range(5):
        with pytest.raises(WrongSignIn):
            try_in("wrong")
    with pytest.raises(TooMany):
        try_in(PASSWORD, address="10.0.0.2")
    with clock.shifted(timedelta(seconds=plane.settings.ops_sign_in_window_s + 1)):
        try_in(PASSWORD)


def test_many_names_from_one_address_are_counted_together(plane: Plane) -> None:
    make_operator(plane.ledger, "aoki")
    for number in range(5):
        with pytest.raises(WrongSignIn):
            authenticate(
                plane.ledger,
                plane.settings,
                name=f"guess{number}",
                password="x",
                code="",
                address="10.9.9.9",
            )
    with pytest.raises(TooMany):
        authenticate(
            plane.ledger, plane.settings, name="aoki", password=PASSWORD, code="", address="10.9.9.9"
        )


def test_a_password_typed_as_a_name_is_not_kept(plane: Plane) -> None:
    with pytest.raises(WrongSignIn):
        authenticate(plane.ledger, plane.settings, name="my secret pass", password="x", code="", address="a")
    entry = plane.ledger.find_last(Kind.SIGN_IN_FAILED)
    assert entry is not None
    assert "my secret pass" not in (entry.actor + entry.subject + str(entry.body))


def test_a_session_ends_when_idle_when_old_and_when_its_operator_is_disabled(plane: Plane) -> None:
    settings = plane.settings
    make_operator(plane.ledger, "aoki")

    def enter() -> str:
        return sign_in(plane.ledger, settings, name="aoki", password=PASSWORD, code="", address="a")

    token = enter()
    assert find_session(plane.ledger, settings, token) is not None
    assert find_session(plane.ledger, settings, token + "x") is None
    with clock.shifted(timedelta(seconds=settings.ops_session_idle_s + 1)):
        assert find_session(plane.ledger, settings, token) is None
    for minutes in range(0, settings.ops_session_max_s // 60, 30):
        with clock.shifted(timedelta(minutes=minutes)):
            assert find_session(plane.ledger, settings, token) is not None
    with clock.shifted(timedelta(seconds=settings.ops_session_max_s + 1)):
        assert find_session(plane.ledger, settings, token) is None
    make_operator(plane.ledger, "boss", role=Role.ADMIN)
    token = enter()
    disable_operator(plane.ledger, "aoki", by="boss", reason="left")
    assert find_session(plane.ledger, settings, token) is None
    with pytest.raises(WrongSignIn):
        enter()


def test_with_a_second_factor_the_password_alone_is_not_enough(browser: Browser, plane: Plane) -> None:
    secret = pyotp.random_base32()
    set_totp(plane.ledger, "viewer", secret=secret, by="test")
    assert browser.sign_in("viewer").status_code == 401
    assert browser.sign_in("viewer", code="000000").status_code == 401
    assert browser.sign_in("viewer", code=pyotp.TOTP(secret).now()).status_code == 303


def test_a_second_factor_is_turned_on_with_a_code_and_off_with_both(browser: Browser) -> None:
    browser.sign_in("viewer")
    page = browser.post("/account/second-factor").text
    found = re.search(r'name="secret" value="([A-Z2-7]{32})"', page)
    assert found is not None
    totp = pyotp.TOTP(found.group(1))
    wrong = browser.post("/account/second-factor/confirm", secret=found.group(1), code="123")
    assert wrong.status_code == 422
    right = browser.post("/account/second-factor/confirm", secret=found.group(1), code=totp.now())
    assert right.status_code == 303
    assert browser.post("/account/second-factor/remove", password="no", code=totp.now()).status_code == 422
    assert (
        browser.post("/account/second-factor/remove", password=PASSWORD, code=totp.now()).status_code == 303
    )
