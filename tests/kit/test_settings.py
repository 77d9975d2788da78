"""A setting that is missing or wrong is named, and its value never shown."""

from __future__ import annotations

import pytest

from hrx.kit.errors import Invalid
from hrx.kit.settings import SecretStr, Settings, document, load, setting, to_environment


class Example(Settings):
    """Two settings, one of them a secret."""

    wait_s: float = setting(5.0, ja="待ち時間", en="How long to wait.", unit="s", gt=0)
    example_key: SecretStr = setting(ja="鍵", en="The key.")


@pytest.mark.req("R3.6-1")
def test_a_wrong_value_is_named_but_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HRX_WAIT_S", "canary-value")
    monkeypatch.delenv("HRX_EXAMPLE_KEY", raising=False)
    with pytest.raises(Invalid) as caught:
        load(Example)
    assert {problem.field for problem in caught.value.fields} == {"HRX_WAIT_S", "HRX_EXAMPLE_KEY"}
    assert "canary-value" not in str(caught.value) + str(caught.value.fields)


@pytest.mark.req("R3.6-1")
def test_a_setting_documents_itself_and_a_secret_has_no_default() -> None:
    wait, key = document(Example)
    assert (wait.variable, wait.unit, wait.default, wait.is_secret) == ("HRX_WAIT_S", "s", "5.0", False)
    assert (key.variable, key.default, key.is_secret, key.is_required) == (
        "HRX_EXAMPLE_KEY",
        None,
        True,
        True,
    )


def test_a_started_process_reads_exactly_the_settings_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Example(wait_s=7.5, example_key=SecretStr("a key"))
    monkeypatch.setenv("HRX_WAIT_S", "1")
    for name, value in to_environment(given).items():
        monkeypatch.setenv(name, value)
    assert load(Example) == given
