"""Who gets through which door, and which forms are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hrx.ops.operators.roles import Role
from hrx.ops.run.plane import Plane
from hrx.ops.settings import OpsSettings
from tests.ops.browsing import Browser, serving
from tests.ops.conftest import PASSWORD, make_operator
from tests.ops.console.routes import LEAST, PUBLIC, all_routes, concrete

pytestmark = pytest.mark.req("R5.4-1")


def test_every_route_but_the_public_ones_asks_for_a_permission() -> None:
    open_routes = {(method, path) for method, path, permission in all_routes() if permission is None}
    assert open_routes == PUBLIC


@pytest.fixture
def patient_settings(settings: OpsSettings) -> OpsSettings:
    """The walk below gives wrong passwords on purpose; it must not lock itself out."""
    return settings.model_copy(update={"ops_sign_in_attempts": 10_000})


def test_each_role_gets_through_exactly_the_doors_that_are_its_own(
    plane: Plane, patient_settings: OpsSettings
) -> None:

    patient = replace(plane, settings=patient_settings)
    order = list(Role)
    for role in order:
        make_operator(plane.ledger, role.value, role=role)
    with serving(patient) as address:
        for role in order:
            browser = Browser(address)
            browser.sign_in(role.value)
            for method, path, permission in all_routes():
                if permission is None:
                    continue
                # Some of the doors end the session; signing in for each would cost a slow hash each time.
                if browser.client.get("/account").status_code != 200:
                    browser.sign_in(role.value)
                answer = browser.get(concrete(path)) if method == "GET" else browser.post(concrete(path))
                may = order.index(role) >= order.index(LEAST[permission])
                assert (answer.status_code != 403) is may, (role, method, path, answer.status_code)
                assert answer.status_code < 500, (role, method, path, answer.text)
            browser.close()


def test_nobody_gets_through_without_signing_in(browser: Browser) -> None:
    for method, path, permission in all_routes():
        if permission is None:
            continue
        answer = browser.client.request(method, concrete(path))
        if method == "GET":
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/sign-in?next=")
        else:
            assert answer.status_code == 401, path
    polled = browser.get("/fragments/parts", **{"HX-Request": "true"})
    assert polled.status_code == 401
    assert polled.headers["HX-Redirect"] == "/sign-in"


def test_no_form_is_accepted_without_the_token_of_its_session(browser: Browser, console: str) -> None:
    browser.sign_in("admin")
    other = Browser(console)
    other.sign_in("admin")
    foreign = other.csrf_token()
    for method, path, permission in all_routes():
        if method == "GET" or permission is None:
            continue
        for token in ("", "guess", foreign):
            answer = browser.client.post(concrete(path), data={"csrf_token": token})
            assert answer.status_code == 403, (path, token)
    other.close()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_sent_by_another_site_is_refused_even_with_the_token(
    browser: Browser, headers: dict[str, str]
) -> None:
    browser.sign_in("admin")
    data = {"csrf_token": browser.csrf_token()}
    assert browser.client.post("/sign-out", data=data, headers=headers).status_code == 403
    assert (
        browser.client.post(
            "/sign-in", data={"name": "admin", "password": PASSWORD}, headers=headers
        ).status_code
        == 403
    )
