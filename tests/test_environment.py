"""What a test sets for a command is gone before the next test."""

from __future__ import annotations

import os

import pytest

_NAME = "HRX_TEST_LEFT_BEHIND"


@pytest.mark.parametrize("number", [1, 2])
def test_no_setting_is_left_to_the_next_test(number: int) -> None:
    assert _NAME not in os.environ, number
    os.environ[_NAME] = str(number)
