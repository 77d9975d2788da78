"""Every place that keeps settings is read the same way, and says no in two ways: never, or not now."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from hrx.kit.errors import Invalid, Refused
from hrx.kit.settings import SecretStr
from hrx.ops.release.environments.aws import AwsSource
from hrx.ops.release.environments.files import FileSource, MachineSource
from hrx.ops.release.environments.opening import find_source
from hrx.ops.release.environments.source import SourceRefuses, SourceSilent
from hrx.ops.release.environments.vault import VaultSource
from hrx.ops.release.releases import Environment
from hrx.ops.settings import OpsSettings
from tests.servers.vault import TOKEN, VaultServer, running_vault

pytestmark = pytest.mark.req("R3.6-1", "R10.1-1")
REGION = "ap-northeast-1"
VALUES = {"HRX_SESSION_KEYS": secrets.token_urlsafe(48), "HRX_ENVIRONMENT": "staging"}


@pytest.fixture
def vault() -> Iterator[VaultServer]:
    with running_vault() as server:
        server.secrets["kv/hrx/staging"] = dict(VALUES)
        yield server


def open_vault(
    server: VaultServer, *, path: str = "hrx/staging", token: str = TOKEN, limit_s: float = 3
) -> VaultSource:
    return VaultSource("kv", path, url=server.url, token=SecretStr(token), timeout_s=limit_s, namespace="hr")


def test_vault_gives_every_name_of_the_path(vault: VaultServer) -> None:
    reading = open_vault(vault).read()
    assert reading.values == VALUES
    assert vault.asked == [("/v1/kv/data/hrx/staging", "hr")]
    assert VALUES["HRX_SESSION_KEYS"] not in repr(reading)


@pytest.mark.parametrize("status", [412, 429, 500, 503])
def test_passing_trouble_of_vault_is_asked_again_and_in_the_end_said_to_pass(
    vault: VaultServer, status: int
) -> None:
    vault.answers_with = [status, status]
    assert open_vault(vault).read().values == VALUES
    vault.answers_with = [status] * 9
    with pytest.raises(SourceSilent, match=str(status)):
        open_vault(vault).read()
    assert len(vault.answers_with) == 6, "it is not asked for ever"


def test_a_no_of_vault_is_final_and_never_tells_the_token(vault: VaultServer) -> None:
    wrong = "hvs." + secrets.token_urlsafe(24)
    with pytest.raises(SourceRefuses, match="permission denied") as refused:
        open_vault(vault, token=wrong).read()
    assert wrong not in f"{refused.value.message}{refused.value.hint}"
    with pytest.raises(SourceRefuses, match="nothing is kept"):
        open_vault(vault, path="hrx/prod").read()
    vault.deleted.add("kv/hrx/staging")
    with pytest.raises(SourceRefuses, match="deleted"):
        open_vault(vault).read()
    assert len(vault.asked) == 3


def test_a_vault_that_is_late_gone_or_somebody_else_is_silent(vault: VaultServer) -> None:
    vault.waits_s = 1
    with pytest.raises(SourceSilent, match="Timeout"):
        open_vault(vault, limit_s=0.2).read()
    vault.waits_s = 0
    vault.body = b"<html>hello</html>"
    with pytest.raises(SourceSilent):
        open_vault(vault).read()
    closed = VaultServer(url="http://127.0.0.1:9")
    with pytest.raises(SourceSilent):
        open_vault(closed).read()


def test_a_redirect_is_not_followed_for_the_token_would_go_with_it(vault: VaultServer) -> None:
    vault.answers_with = [307]
    with pytest.raises(SourceRefuses, match="307"):
        open_vault(vault).read()
    assert len(vault.asked) == 1


def test_a_value_of_vault_that_is_no_text_is_refused(vault: VaultServer) -> None:
    vault.secrets["kv/hrx/staging"] = {"HRX_API_PORT": 8101, "HRX_X": ["a"]}
    with pytest.raises(SourceRefuses):
        open_vault(vault).read()
    vault.secrets["kv/hrx/staging"] = {"HRX_API_PORT": 8101}
    assert open_vault(vault).read().values == {"HRX_API_PORT": "8101"}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Any]]:
    """Secrets Manager on a socket (moto). `Any`: AWS's own client, made at run time."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client("secretsmanager", region_name=REGION, endpoint_url=endpoint)
    try:
        yield endpoint, client
    finally:
        client.close()
        server.stop()


def test_aws_gives_a_secret_for_each_name_with_the_moment_of_its_change(aws: tuple[str, Any]) -> None:
    endpoint, client = aws
    for name, value in VALUES.items():
        client.create_secret(Name=f"hrx/staging/{name}", SecretString=value)
    client.create_secret(Name="hrx/staging-2/HRX_SESSION_KEYS", SecretString="another environment's")
    reading = AwsSource("hrx/staging", region=REGION, timeout_s=3, endpoint=endpoint).read()
    assert reading.values == VALUES
    changed_at = reading.changed_at["HRX_SESSION_KEYS"]
    assert abs((datetime.now(UTC) - changed_at).total_seconds()) < 120


def test_aws_gives_one_document_for_all_names_and_no_age_of_any(aws: tuple[str, Any]) -> None:
    endpoint, client = aws
    client.create_secret(Name="hrx/production", SecretString=json.dumps(VALUES))
    source = AwsSource("hrx/production", region=REGION, timeout_s=3, endpoint=endpoint)
    assert (source.read().values, source.read().changed_at) == (VALUES, {})
    client.put_secret_value(SecretId="hrx/production", SecretString="not JSON")
    with pytest.raises(SourceRefuses):
        source.read()


def test_aws_without_that_secret_refuses_and_without_a_server_is_silent(aws: tuple[str, Any]) -> None:
    endpoint, _ = aws
    with pytest.raises(SourceRefuses):
        AwsSource("hrx/nobody", region=REGION, timeout_s=3, endpoint=endpoint).read()
    with pytest.raises(SourceSilent):
        AwsSource("hrx/staging", region=REGION, timeout_s=0.5, endpoint="http://127.0.0.1:9").read()


def test_a_file_is_read_when_nobody_else_can(tmp_path: Path) -> None:
    path = tmp_path / "staging.env"
    with pytest.raises(SourceRefuses):
        FileSource(path=path).read()
    path.write_text("# staging\nexport HRX_LOG_LEVEL='INFO'\nPATH=/bin\nHRX_EMPTY=\n")
    path.chmod(0o644)
    with pytest.raises(Refused):
        FileSource(path=path).read()
    path.chmod(0o600)
    assert FileSource(path=path).read().values == {"HRX_LOG_LEVEL": "INFO"}


def test_this_machine_is_its_secrets_its_programs_and_the_shell(tmp_path: Path) -> None:
    (tmp_path / "run" / "env").mkdir(parents=True)
    (tmp_path / "secrets.env").touch(mode=0o600)
    (tmp_path / "secrets.env").write_text("HRX_SEAL_KEYS=made-here\nHRX_LOG_LEVEL=INFO\n")
    (tmp_path / "run" / "env" / "api.env").write_text(
        "HRX_DATABASE_URL='postgresql://a:it'\"'\"'s@h/d'\nHRX_STACK=abc\n"
    )
    reading = MachineSource(var=tmp_path, typed={"HRX_LOG_LEVEL": "DEBUG", "HOME": "/root"}).read()
    assert reading.values == {
        "HRX_SEAL_KEYS": "made-here",
        "HRX_LOG_LEVEL": "DEBUG",
        "HRX_DATABASE_URL": "postgresql://a:it's@h/d",
    }
    assert reading.is_machine


def test_one_line_names_the_place_of_an_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Without credentials AWS's library would look for a machine's role.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    plain = OpsSettings(var_dir=tmp_path, environment="development")
    here = find_source(plain, Environment.DEVELOPMENT)
    assert isinstance(here, MachineSource)
    assert find_source(plain, Environment.PRODUCTION) is None
    set_up = plain.model_copy(
        update={
            "settings_staging": "vault:kv/hrx/staging",
            "settings_production": f"aws:{REGION}/hrx/production",
            "vault_url": "http://127.0.0.1:8200",
            "vault_token": SecretStr(TOKEN),
        }
    )
    staging, production = (find_source(set_up, one) for one in (Environment.STAGING, Environment.PRODUCTION))
    assert staging is not None
    assert production is not None
    assert (staging.says, production.says) == ("Vault kv/hrx/staging", f"AWS {REGION} hrx/production")
    for line in ("s3:bucket", "vault:kv", "aws:", "env-file:"):
        with pytest.raises(Invalid):
            find_source(set_up.model_copy(update={"settings_staging": line}), Environment.STAGING)
    with pytest.raises(Invalid):
        find_source(set_up.model_copy(update={"vault_token": None}), Environment.STAGING)
