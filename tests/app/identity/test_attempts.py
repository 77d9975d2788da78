"""What is counted of sign-ins: each step once, under labels that nobody outside can add to."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from fastapi import FastAPI

from hrx.app.identity.parts import REASONS
from hrx.app.platform.tenancy import Role
from hrx.kit.catalogue import AUTH_ATTEMPTS
from tests.app.clients import open_browser
from tests.app.conftest import MakeSettings, MakeUser, running

pytestmark = pytest.mark.req("R4.1-1", "R2-1")

Steps = Mapping[tuple[str, str, str], float]


def count_steps(app: FastAPI) -> Steps:
    """Every series of the counter: (method, outcome, reason) → so far."""
    return {
        (sample.labels["method"], sample.labels["outcome"], sample.labels["reason"]): sample.value
        for family in app.state.registry.collect()
        for sample in family.samples
        if sample.name == AUTH_ATTEMPTS.name
    }


def since(app: FastAPI, before: Steps) -> dict[tuple[str, str, str], float]:
    return {key: value - before[key] for key, value in count_steps(app).items() if value != before[key]}


async def test_every_series_is_there_before_the_first_attempt(make_settings: MakeSettings) -> None:
    async with running(make_settings()) as fresh:
        steps = count_steps(fresh)
    assert set(steps.values()) == {0.0}
    assert {reason for _, _, reason in steps} == set(REASONS)
    allowed = {label.name: label.values for label in AUTH_ATTEMPTS.labels}
    for method, outcome, reason in steps:
        assert method in allowed["method"]
        assert outcome in allowed["outcome"]
        assert reason in allowed["reason"]


async def test_a_right_and_a_wrong_password_are_counted_with_their_reason(
    app: FastAPI, make_user: MakeUser
) -> None:
    user = await make_user(Role.HR)
    browser = open_browser(app, address="203.0.113.77")
    before = count_steps(app)
    await browser.post("/auth/login", {"email": user.email, "password": "wrong-guess-1"})
    await browser.sign_in(user)
    assert since(app, before) == {
        ("password", "failure", "wrong_password"): 1.0,
        ("password", "success", "none"): 1.0,
    }
    await browser.http.aclose()


async def test_guesses_that_are_no_longer_looked_at_are_failures_too(
    app: FastAPI, make_user: MakeUser
) -> None:
    user = await make_user()
    browser = open_browser(app, address="203.0.113.78")
    before = count_steps(app)
    for _ in range(13):
        await browser.post("/auth/login", {"email": user.email, "password": "wrong-guess-1"})
    assert since(app, before) == {
        ("password", "failure", "wrong_password"): 10.0,
        ("password", "failure", "too_many"): 3.0,
    }
    await browser.http.aclose()
