"""Whatever is rotated, at no moment is something in use refused; a plan that would do so is told apart."""

from __future__ import annotations

import secrets
from dataclasses import replace
from itertools import permutations

import pytest

from hrx.kit.errors import NotFound
from hrx.kit.secrets import list_accepted
from hrx.ops.channels.slack import is_from_slack, sign_like_slack
from hrx.ops.operators.sign_in import is_same_token
from hrx.ops.release.environments.rotation import (
    Key,
    SecretKind,
    Who,
    find_gap,
    list_rotatable,
    plan_rotation,
)
from hrx.ops.runbook.content import load_content
from hrx.ops.runbook.procedures import get_procedure
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R3.6-1")


@pytest.mark.parametrize("name", list_rotatable())
def test_two_are_valid_at_once_and_in_the_end_the_new_one_alone(name: str) -> None:
    plan = plan_rotation(name)
    assert find_gap(plan) is None
    assert any(step.accepted == {Key.OLD, Key.NEW} for step in plan.steps)
    assert all(step.name.ja and step.name.en for step in plan.steps)


def test_steps_in_any_other_order_have_a_gap() -> None:
    for name in list_rotatable():
        plan = plan_rotation(name)
        for steps in permutations(plan.steps):
            is_same = steps == plan.steps
            assert (find_gap(replace(plan, steps=steps)) is None) == is_same, name
        for left_out in plan.steps:
            shorter = tuple(step for step in plan.steps if step is not left_out)
            assert find_gap(replace(plan, steps=shorter)) is not None, name


def test_what_an_issuer_makes_is_revoked_by_the_operator_at_the_issuer_last() -> None:
    plan = plan_rotation("HRX_ANTHROPIC_API_KEY")
    assert plan.kind is SecretKind.ISSUED
    assert [step.who for step in plan.steps] == [Who.ISSUER, Who.PROCEDURE, Who.ISSUER]
    by_hand = plan_rotation("HRX_SMTP_PASSWORD")
    assert [step.who for step in by_hand.steps] == [Who.ISSUER, Who.OPERATOR, Who.ISSUER]
    assert by_hand.procedure is None


def test_every_procedure_that_a_plan_names_is_there_and_takes_that_secret() -> None:
    procedures = load_content(ROOT / "runbook").procedures
    turnable = set(get_procedure(procedures, "rotate-key").parameters[0].options)
    assert turnable == {name for name in list_rotatable() if plan_rotation(name).procedure == "rotate-key"}
    for name in list_rotatable():
        procedure = plan_rotation(name).procedure
        if procedure is not None:
            get_procedure(procedures, procedure)
    assert plan_rotation("HRX_POSTGRES_APP_PASSWORD").procedure == "rotate-database-password"
    assert plan_rotation("HRX_POSTGRES_BACKUP_PASSWORD").procedure == "rotate-operations-password"


def test_a_name_without_a_way_is_told() -> None:
    for name in ("HRX_LOG_LEVEL", "HRX_NOBODY"):
        with pytest.raises(NotFound):
            plan_rotation(name)


def test_the_rehearsal_of_a_secret_that_is_checked_here_refuses_nobody_and_then_the_old_one() -> None:
    """Each step of the plan on the very functions that check Slack's calls and Alertmanager's."""
    values = {Key.OLD: secrets.token_hex(16), Key.NEW: secrets.token_hex(16)}
    for name, is_let_in in (("HRX_SLACK_SIGNING_SECRET", _is_slack), ("HRX_OPS_HOOK_TOKEN", is_same_token)):
        for step in plan_rotation(name).steps:
            expected = ",".join(values[key] for key in (Key.NEW, Key.OLD) if key in step.accepted)
            for key in Key:
                assert is_let_in(values[key], expected) == (key in step.accepted), (name, step.name.en)


def _is_slack(secret: str, expected: str) -> bool:
    import time

    at = str(int(time.time()))
    signature = sign_like_slack(secret, timestamp=at, body=b"{}")
    return is_from_slack(expected, timestamp=at, signature=signature, body=b"{}")


def test_an_empty_place_in_a_list_lets_nobody_in() -> None:
    assert list_accepted("a,, b ,") == ("a", "b")
    assert list_accepted("") == ()
    assert not is_same_token("", "a,")
    assert not is_same_token("", "")
    assert not is_same_token(None, ",")
    assert not is_same_token("a,b", "a,b")
