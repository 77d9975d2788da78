"""Versions never change, aliases move by one write, and nothing unsigned is loaded (R3.4-1)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from hrx.kit.models.records import (
    Alias,
    AliasMovedMeanwhile,
    ModelConflict,
    ModelInvalid,
    ModelNotFound,
    ModelNotTrusted,
    Move,
    RegistryUnavailable,
)
from hrx.kit.models.registry import Registry
from hrx.kit.models.shelf import open_shelf
from hrx.kit.models.signing import (
    KeyInvalid,
    Signer,
    SigningKeyExposed,
    ensure_signer,
    public_file_of,
    read_trust,
)
from hrx.kit.settings import SecretStr
from tests.ops.release.models.making import GOOD, make_draft, make_registry
from tests.servers.s3 import REGION, running_s3_server

pytestmark = pytest.mark.req("R3.4-1")


@pytest.fixture(params=["folder", "bucket"])
def held(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Registry, Signer]]:
    """The registry in a folder, and in a bucket of a server that speaks S3."""
    if request.param == "folder":
        yield make_registry(tmp_path)
        return
    with running_s3_server() as server:
        shelf = open_shelf(
            f"s3://{server.make_bucket()}/registry",
            endpoint=server.endpoint,
            region=REGION,
            access_key_id=SecretStr("test"),
            secret_access_key=SecretStr("test"),
        )
        signer = ensure_signer(tmp_path / "signing.key")
        yield Registry(shelf, read_trust([signer.public])), signer


def test_a_version_comes_back_as_it_was_registered(held: tuple[Registry, Signer]) -> None:
    registry, signer = held
    draft = make_draft()
    made = registry.register(draft, signer=signer, by="somebody")
    known, content = registry.load(made.version)
    assert (known, content) == (made, draft.content)
    assert made.version == f"small-{made.sha256[:12]}"
    assert registry.list_models() == ["small"]
    assert registry.list_versions("small") == [made]


def test_registering_twice_is_the_same_version_and_other_facts_are_refused(
    held: tuple[Registry, Signer],
) -> None:
    registry, signer = held
    made = registry.register(make_draft(), signer=signer, by="somebody")
    assert registry.register(make_draft(), signer=signer, by="somebody else") == made
    with pytest.raises(ModelConflict):
        registry.register(make_draft(metrics={**GOOD, "f1": 0.99}), signer=signer, by="somebody")
    assert registry.get(made.version).metrics["f1"] == 0.95


def test_live_leaves_its_former_version_behind_and_goes_back_by_the_same_move(
    held: tuple[Registry, Signer],
) -> None:
    registry, signer = held
    first, second = (registry.register(make_draft(n), signer=signer, by="x").version for n in (1.0, 2.0))

    def move(alias: Alias, to: str | None) -> Move:
        return registry.move("small", alias, to=to, signer=signer, by="x", reason="because")

    assert registry.find_move("small") is None
    assert move(Alias.LIVE, first).versions == {"live": first}
    assert move(Alias.SHADOW, second).versions == {"live": first, "shadow": second}
    assert move(Alias.LIVE, second).versions == {"live": second, "previous": first, "shadow": second}
    assert move(Alias.SHADOW, None).versions == {"live": second, "previous": first}
    assert move(Alias.LIVE, first).versions == {"live": first, "previous": second}
    assert [one.number for one in registry.list_moves("small")] == [1, 2, 3, 4, 5]
    assert registry.list_moves("small")[-1] == registry.find_move("small")


def test_of_two_who_move_at_once_one_wins_and_the_other_is_told(held: tuple[Registry, Signer]) -> None:
    registry, signer = held
    versions = [registry.register(make_draft(n), signer=signer, by="x").version for n in (1.0, 2.0, 3.0, 4.0)]
    together = threading.Barrier(len(versions))
    won: list[str] = []
    lost: list[str] = []

    def wait(_: Move | None) -> None:
        together.wait(60)

    def move(version: str) -> None:
        try:
            registry.move(
                "small",
                Alias.LIVE,
                to=version,
                signer=signer,
                by=version,
                reason="",
                # Everybody has read where it stands before anybody writes.
                expected=wait,
            )
            won.append(version)
        except AliasMovedMeanwhile:
            lost.append(version)

    threads = [threading.Thread(target=move, args=(one,)) for one in versions]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert (len(won), len(lost)) == (1, 3)
    stands = registry.find_move("small")
    assert stands is not None
    assert (stands.number, stands.find(Alias.LIVE), stands.by) == (1, won[0], won[0])


def test_a_changed_byte_of_the_file_is_found_before_it_is_loaded(tmp_path: Path) -> None:
    registry, signer = make_registry(tmp_path)
    version = registry.register(make_draft(), signer=signer, by="x").version
    path = tmp_path / "shelf" / "versions" / "small" / version / "model.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ModelNotTrusted):
        registry.load(version)


def test_a_changed_fact_breaks_the_signature(tmp_path: Path) -> None:
    registry, signer = make_registry(tmp_path)
    version = registry.register(make_draft(), signer=signer, by="x").version
    path = tmp_path / "shelf" / "versions" / "small" / version / "version.json"
    sealed = orjson.loads(path.read_bytes())
    sealed["body"] = sealed["body"].replace("0.95", "0.99")
    path.write_bytes(orjson.dumps(sealed))
    with pytest.raises(ModelNotTrusted):
        registry.get(version)


def test_what_a_stranger_signed_is_not_loaded_and_two_keys_may_be_trusted(tmp_path: Path) -> None:
    registry, _ = make_registry(tmp_path)
    stranger = ensure_signer(tmp_path / "other.key")
    with pytest.raises(ModelNotTrusted):
        # Its own word does not count, not even right after it was given.
        registry.get(registry.register(make_draft(), signer=stranger, by="x").version)
    both = Registry(registry.shelf, read_trust([*registry.trust.keys, stranger.public]))
    [version] = both.list_versions("small")
    assert both.load(version.version)[0] == version


def test_a_signed_version_under_another_name_is_refused(tmp_path: Path) -> None:
    registry, signer = make_registry(tmp_path)
    first, second = (registry.register(make_draft(n), signer=signer, by="x").version for n in (1.0, 2.0))
    folder = tmp_path / "shelf" / "versions" / "small"
    (folder / first / "version.json").write_bytes((folder / second / "version.json").read_bytes())
    with pytest.raises(ModelNotTrusted):
        registry.get(first)


def test_a_signed_version_cannot_pass_for_a_move(tmp_path: Path) -> None:
    registry, signer = make_registry(tmp_path)
    version = registry.register(make_draft(), signer=signer, by="x").version
    registry.move("small", Alias.LIVE, to=version, signer=signer, by="x", reason="")
    shelf = tmp_path / "shelf"
    sealed = (shelf / "versions" / "small" / version / "version.json").read_bytes()
    (shelf / "aliases" / "small" / "00000002.json").write_bytes(sealed)
    with pytest.raises(ModelNotTrusted):
        registry.find_move("small")


def test_a_move_that_was_taken_out_of_the_record_is_missed(tmp_path: Path) -> None:
    registry, signer = make_registry(tmp_path)
    for weight in (1.0, 2.0, 3.0):
        version = registry.register(make_draft(weight), signer=signer, by="x").version
        registry.move("small", Alias.LIVE, to=version, signer=signer, by="x", reason="")
    (tmp_path / "shelf" / "aliases" / "small" / "00000002.json").unlink()
    with pytest.raises(ModelNotTrusted):
        registry.list_moves("small")


def test_a_registration_that_was_killed_half_way_goes_on(tmp_path: Path) -> None:
    registry, signer = make_registry(tmp_path)
    version = registry.register(make_draft(), signer=signer, by="x").version
    (tmp_path / "shelf" / "versions" / "small" / version / "version.json").unlink()
    assert registry.list_versions("small") == []
    assert registry.register(make_draft(), signer=signer, by="x").version == version
    assert registry.load(version)[1] == make_draft().content


@pytest.mark.parametrize(
    "name", ["", "../etc", "small", "small-123", "Small-0123456789ab", "small-0123456789ab/.."]
)
def test_names_that_could_climb_out_of_the_shelf_are_refused(tmp_path: Path, name: str) -> None:
    registry, _ = make_registry(tmp_path)
    with pytest.raises(ModelInvalid):
        registry.get(name)


def test_what_is_missing_is_said_so(tmp_path: Path) -> None:
    registry, signer = make_registry(tmp_path)
    with pytest.raises(ModelNotFound):
        registry.get("small-0123456789ab")
    with pytest.raises(ModelNotFound):
        registry.move("small", Alias.LIVE, to="small-0123456789ab", signer=signer, by="x", reason="")
    with pytest.raises(ModelInvalid):
        registry.register(replace(make_draft(), golden=()), signer=signer, by="x")
    assert registry.find_move("small") is None


def test_a_store_that_is_away_is_no_missing_model(tmp_path: Path) -> None:
    signer = ensure_signer(tmp_path / "signing.key")
    with running_s3_server() as server:
        endpoint = server.endpoint
        shelf = open_shelf(
            "s3://nobody-made-this",
            endpoint=endpoint,
            region=REGION,
            access_key_id=SecretStr("test"),
            secret_access_key=SecretStr("test"),
        )
        with pytest.raises(RegistryUnavailable) as told:
            Registry(shelf, read_trust([signer.public])).get("small-0123456789ab")
    assert "test" not in str(told.value).split("s3://")[0]


def test_the_signing_key_is_made_once_and_must_be_private(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "signing.key"
    first = ensure_signer(path)
    assert ensure_signer(path).public == first.public
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(one.name for one in path.parent.iterdir()) == ["signing.key", "signing.pub"]
    # Whoever only serves reads this one, and never opens the other.
    assert public_file_of(path).read_text().split() == [first.public]
    path.chmod(0o644)
    with pytest.raises(SigningKeyExposed):
        ensure_signer(path)
    with pytest.raises(KeyInvalid):
        read_trust(["not a key"])
