"""A secret is replaced wholly or not at all, wherever it is kept, and never over somebody else's change."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from hrx.kit.errors import HrxError, NotFound
from hrx.kit.settings import SecretStr
from hrx.ops.release.environments.aws import AwsSource
from hrx.ops.release.environments.keeping import FileKeeper, Held, Keeper, MachineKeeper, SecretMoved
from hrx.ops.release.environments.opening import get_keeper
from hrx.ops.release.environments.source import SourceRefuses, SourceSilent
from hrx.ops.release.environments.vault import VaultSource
from hrx.ops.release.releases import Environment
from hrx.ops.settings import OpsSettings
from tests.servers.aws_front import AwsFront, running_front
from tests.servers.vault import TOKEN, VaultServer, running_vault

pytestmark = pytest.mark.req("R3.6-1", "R10.1-1")
REGION = "ap-northeast-1"
NAME = "HRX_STRIPE_API_KEY"
OLD, NEW = "rk_test_" + secrets.token_hex(12), "rk_test_" + secrets.token_hex(12)
OTHER = {"HRX_ENVIRONMENT": "staging"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A keeper, what is really kept there, and somebody else who changes it."""

    keeper: Keeper
    kept: Callable[[], str]
    change: Callable[[str], None]


@pytest.fixture(scope="module")
def moto() -> Iterator[tuple[AwsFront, Any]]:
    """Secrets Manager on a socket (moto) behind our front. `Any`: AWS's own client, made at run time."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_ACCESS_KEY_ID", "test")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    behind = f"http://{host}:{port}"
    client = boto3.client("secretsmanager", region_name=REGION, endpoint_url=behind)
    try:
        with running_front(behind) as front:
            yield front, client
    finally:
        client.close()
        server.stop()
        patch.undo()


@pytest.fixture
def front(moto: tuple[AwsFront, Any]) -> Iterator[AwsFront]:
    yield moto[0]
    moto[0].fails, moto[0].fails_after, moto[0].fails_once, moto[0].asked = {}, {}, {}, []


@pytest.fixture
def vault() -> Iterator[VaultServer]:
    with running_vault() as server:
        server.secrets["kv/hrx/staging"] = {NAME: OLD, **OTHER}
        yield server


def open_vault(server: VaultServer, *, limit_s: float = 5) -> VaultSource:
    return VaultSource("kv", "hrx/staging", url=server.url, token=SecretStr(TOKEN), timeout_s=limit_s)


def vault_place(server: VaultServer, *, limit_s: float = 5) -> Place:
    def change(value: str) -> None:
        server.secrets["kv/hrx/staging"][NAME] = value
        server.versions["kv/hrx/staging"] = server.versions.get("kv/hrx/staging", 2) + 1

    return Place(
        keeper=open_vault(server, limit_s=limit_s),
        kept=lambda: str(server.secrets["kv/hrx/staging"][NAME]),
        change=change,
    )


# `Any`: AWS's own client.
def aws_place(front: AwsFront, client: Any, *, is_document: bool) -> Place:
    prefix = f"hrx/{secrets.token_hex(4)}"
    secret_id = prefix if is_document else f"{prefix}/{NAME}"

    def wrap(value: str) -> str:
        return json.dumps({NAME: value, **OTHER}) if is_document else value

    def kept() -> str:
        text = str(client.get_secret_value(SecretId=secret_id, VersionStage="AWSCURRENT")["SecretString"])
        return str(json.loads(text)[NAME]) if is_document else text

    client.create_secret(Name=secret_id, SecretString=wrap(OLD))
    return Place(
        keeper=AwsSource(prefix, region=REGION, timeout_s=5, endpoint=front.url),
        kept=kept,
        change=lambda value: client.put_secret_value(SecretId=secret_id, SecretString=wrap(value)),
    )


def file_place(path: Path) -> Place:
    path.touch(mode=0o600)

    def change(value: str) -> None:
        path.write_text(f"# by hand\nexport {NAME}='{value}'\nHRX_ENVIRONMENT=staging\n")

    change(OLD)
    keeper = FileKeeper(path=path)
    return Place(keeper=keeper, kept=lambda: keeper.read_one(NAME).value, change=change)


@pytest.fixture(params=["file", "vault", "aws", "aws document"])
def place(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    vault: VaultServer,
    front: AwsFront,
    moto: tuple[AwsFront, Any],
) -> Place:
    if request.param == "file":
        return file_place(tmp_path / "staging.env")
    if request.param == "vault":
        return vault_place(vault)
    return aws_place(front, moto[1], is_document=request.param == "aws document")


def test_a_secret_is_replaced_and_its_neighbours_stay(place: Place) -> None:
    held = place.keeper.read_one(NAME)
    assert held.value == OLD
    assert OLD not in repr(held)
    place.keeper.replace(NAME, f"{NEW},{OLD}", held=held)
    assert place.kept() == place.keeper.read_one(NAME).value == f"{NEW},{OLD}"
    assert place.keeper.read_one("HRX_NOBODY").value == ""
    place.keeper.replace(NAME, NEW, held=place.keeper.read_one(NAME))
    assert place.kept() == NEW


def test_what_somebody_else_changed_meanwhile_is_not_written_over(place: Place) -> None:
    held = place.keeper.read_one(NAME)
    place.change("theirs-" + OLD)
    with pytest.raises(SecretMoved) as told:
        place.keeper.replace(NAME, NEW, held=held)
    assert place.kept() == "theirs-" + OLD
    assert_helpful(told.value, "hrx settings rotate")


def assert_helpful(error: HrxError, command: str) -> None:
    """It says what to type, in both languages, and no value."""
    assert error.hint is not None
    for said in (error.hint.en, error.hint.ja):
        assert command in said
    for said in (error.message.en, error.message.ja, error.hint.en, error.hint.ja):
        assert OLD not in said
        assert NEW not in said
        assert TOKEN not in said


def _replace_anew(keeper: Keeper, held: Held) -> None:
    keeper.read_one(NAME)
    keeper.replace(NAME, NEW, held=held)


@pytest.mark.parametrize("is_document", [False, True])
@pytest.mark.parametrize(
    ("action", "code", "expected", "command"),
    [
        ("PutSecretValue", "AccessDeniedException", SourceRefuses, "PutSecretValue"),
        ("GetSecretValue", "ExpiredTokenException", SourceRefuses, "aws sts get-caller-identity"),
        ("PutSecretValue", "ExpiredTokenException", SourceRefuses, "aws sts get-caller-identity"),
        ("PutSecretValue", "ThrottlingException", SourceSilent, ""),
        # Half of it: the new version is there, and is nobody's.
        ("UpdateSecretVersionStage", "AccessDeniedException", SourceRefuses, "UpdateSecretVersionStage"),
        ("UpdateSecretVersionStage", "ThrottlingException", SourceSilent, ""),
    ],
)
def test_trouble_of_aws_leaves_the_former_value_and_says_what_to_type(
    front: AwsFront,
    moto: tuple[AwsFront, Any],
    action: str,
    code: str,
    expected: type[HrxError],
    command: str,
    is_document: bool,
) -> None:
    place = aws_place(front, moto[1], is_document=is_document)
    held = place.keeper.read_one(NAME)
    front.fails = {action: code}
    with pytest.raises(expected, match=code) as told:
        _replace_anew(place.keeper, held)
    assert_helpful(told.value, command)
    front.fails = {}
    assert place.kept() == OLD
    place.keeper.replace(NAME, NEW, held=place.keeper.read_one(NAME))
    assert place.kept() == NEW, "the next run does it"


@pytest.mark.parametrize("trouble", ["fails_after", "fails_once"])
def test_an_answer_of_aws_that_was_lost_after_it_acted_counts_as_done(
    front: AwsFront, moto: tuple[AwsFront, Any], trouble: str
) -> None:
    place = aws_place(front, moto[1], is_document=False)
    held = place.keeper.read_one(NAME)
    setattr(front, trouble, {"UpdateSecretVersionStage": "InternalServiceError"})
    place.keeper.replace(NAME, NEW, held=held)
    assert place.kept() == NEW
    assert front.asked.count("UpdateSecretVersionStage") == 2, "asked again"


def test_a_vault_that_is_closed_sealed_or_moved_keeps_the_former_value(
    vault: VaultServer,
) -> None:
    place = vault_place(vault)
    held = place.keeper.read_one(NAME)
    vault.may_write = False
    with pytest.raises(SourceRefuses, match="permission denied") as told:
        place.keeper.replace(NAME, NEW, held=held)
    assert_helpful(told.value, "vault token lookup")
    assert "update" in str(told.value.hint)
    vault.may_write, vault.answers_with = True, [503] * 9
    with pytest.raises(SourceSilent, match="sealed: `vault operator unseal`"):
        place.keeper.replace(NAME, NEW, held=held)
    vault.answers_with = []
    vault.writes_between = {"HRX_SMTP_PASSWORD": "another name of the same version"}
    with pytest.raises(SecretMoved):
        place.keeper.replace(NAME, NEW, held=held)
    assert place.kept() == OLD
    assert vault.secrets["kv/hrx/staging"]["HRX_SMTP_PASSWORD"] == "another name of the same version"
    place.keeper.replace(NAME, NEW, held=place.keeper.read_one(NAME))
    assert place.kept() == NEW


def test_a_token_of_vault_that_ran_out_is_told_with_what_to_type(vault: VaultServer) -> None:
    expired = VaultSource("kv", "hrx/staging", url=vault.url, token=SecretStr("hvs.expired"), timeout_s=5)
    with pytest.raises(SourceRefuses) as told:
        expired.replace(NAME, NEW, held=Held(value=OLD, version="2"))
    assert_helpful(told.value, "vault token lookup")
    assert vault.secrets["kv/hrx/staging"][NAME] == OLD


def test_a_vault_that_times_out_before_writing_is_silent_and_after_writing_counts_as_done(
    vault: VaultServer,
) -> None:
    place = vault_place(vault, limit_s=0.5)
    held = place.keeper.read_one(NAME)
    vault.waits_after_s = 2
    place.keeper.replace(NAME, NEW, held=held)
    assert place.kept() == NEW
    held = place.keeper.read_one(NAME)
    vault.waits_s = 2
    with pytest.raises(SourceSilent, match="Timeout"):
        place.keeper.replace(NAME, OLD, held=held)
    assert place.kept() == NEW


def test_this_machine_keeps_what_it_made_apart_from_what_a_person_set(tmp_path: Path) -> None:
    made, by_hand = tmp_path / "secrets.env", tmp_path / ".env"
    for path, line in ((made, "HRX_OPS_HOOK_TOKEN=made-here-1"), (by_hand, f"{NAME}={OLD}")):
        path.touch(mode=0o600)
        path.write_text(line + "\n")
    keeper = get_keeper(
        OpsSettings(var_dir=tmp_path, environment="development"), Environment.DEVELOPMENT, env_file=by_hand
    )
    assert isinstance(keeper, MachineKeeper)
    for name, path in (("HRX_OPS_HOOK_TOKEN", made), (NAME, by_hand)):
        keeper.replace(name, "another-one", held=keeper.read_one(name))
        assert path.read_text() == f"{name}=another-one\n"
        assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(NotFound):
        keeper.replace("HRX_LLM_API_KEY", "a-first-one", held=keeper.read_one("HRX_LLM_API_KEY"))
