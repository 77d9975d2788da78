"""Registering versions and moving aliases: through the gate, by one write, with a record of each refusal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from hrx.kit.errors import Conflict, HrxError, Text
from hrx.kit.models.records import (
    Alias,
    Draft,
    GateCheck,
    ModelInvalid,
    ModelNotFound,
    ModelVersion,
    Move,
    read_golden,
    require_version_name,
)
from hrx.kit.models.registry import Registry
from hrx.kit.models.shelf import open_shelf
from hrx.kit.models.signing import Signer, ensure_signer, find_signer, read_trust
from hrx.ops.ledger.entries import Kind, Ledger
from hrx.ops.release.models.gating import GateRefused, judge, require_passed
from hrx.ops.release.models.policies import get_policy
from hrx.ops.release.models.trials import try_model
from hrx.ops.settings import OpsSettings

_DRAFT: Final = "draft.json"
_FILE: Final = "model.onnx"


class NothingBefore(Conflict):
    """No version was live before this one."""

    code = "model.nothing_before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """One version looked at again: signature, digest, and every rule of the gate; `error` when unreadable."""

    version: str
    checks: tuple[GateCheck, ...] = ()
    error: HrxError | None = None

    @property
    def has_held(self) -> bool:
        return self.error is None and all(one.has_held for one in self.checks)


def open_registry(settings: OpsSettings) -> Registry:
    """The registry that this environment names. Raises ModelInvalid, KeyInvalid, SigningKeyExposed."""
    shelf = open_shelf(
        settings.model_store_location,
        endpoint=settings.model_store_endpoint,
        region=settings.model_store_region,
        access_key_id=settings.model_store_access_key_id,
        secret_access_key=settings.model_store_secret_access_key,
    )
    named = (settings.model_trusted_keys or "").split(",")
    signer = find_signer(settings.model_signing_key_location)
    own = [signer.public] if signer is not None and not settings.model_trusted_keys else []
    return Registry(shelf, read_trust([*named, *own]))


def open_signer(settings: OpsSettings) -> Signer:
    """The key that signs here; made when there is none. Raises SigningKeyExposed, KeyInvalid."""
    return ensure_signer(settings.model_signing_key_location)


def read_draft(folder: Path) -> Draft:
    """What a trainer left in a folder. Raises ModelInvalid."""
    try:
        content = (folder / _FILE).read_bytes()
        told = orjson.loads((folder / _DRAFT).read_bytes())
        return Draft(
            model=told["model"],
            kind=told["kind"],
            content=content,
            features=told["features"],
            labels=tuple(told["labels"]),
            metrics={name: float(value) for name, value in told["metrics"].items()},
            lineage={name: str(value) for name, value in told["lineage"].items()},
            card=told["card"],
            golden=read_golden(told["golden"]),
        )
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelInvalid(
            Text(
                ja=f"{folder} に {_FILE} と {_DRAFT} がそろっていません({type(error).__name__}: {error})",
                en=f"{folder} does not hold {_FILE} and {_DRAFT} ({type(error).__name__}: {error})",
            ),
            hint=Text(
                ja="`python -m hrx.app.models.training フォルダ` が作ります。",
                en="`python -m hrx.app.models.training FOLDER` writes them.",
            ),
        ) from error


def verify(registry: Registry, version: str, *, runbook: Path) -> Verified:
    """Look at a version as the gate does, and change nothing. Raises RegistryUnavailable."""
    try:
        return Verified(version=version, checks=_judge(registry, version, runbook=runbook))
    except (ModelNotFound, ModelInvalid) as error:
        return Verified(version=version, error=error)
    except HrxError as error:
        if error.stable_code == "model.registry_unavailable":
            raise
        return Verified(version=version, error=error)


def register(registry: Registry, draft: Draft, *, signer: Signer, ledger: Ledger, by: str) -> ModelVersion:
    """Keep a version; nothing points at it yet. Raises as `Registry.register`."""
    made = registry.register(draft, signer=signer, by=by)
    ledger.append(
        Kind.MODEL_REGISTERED,
        actor=by,
        subject=f"model:{made.model}",
        body={"version": made.version, "sha256": made.sha256, "metrics": dict(made.metrics)},
    )
    return made


def move(
    registry: Registry,
    version: str,
    alias: Alias,
    *,
    signer: Signer,
    ledger: Ledger,
    runbook: Path,
    by: str,
    reason: str,
) -> Move:
    """Point an alias at a version, when the gate lets it; a refusal is recorded with its reasons.

    Raises GateRefused, PolicyMissing, ModelNotFound, ModelNotTrusted, AliasMovedMeanwhile."""
    model = require_version_name(version)
    stood = registry.find_move(model)
    number = stood.number if stood is not None else 0
    try:
        checks = _judge(registry, version, runbook=runbook)
        require_passed(version, checks)
    except HrxError as error:
        body: dict[str, object] = {"version": version, "alias": alias.value, "refused": error.message.en}
        if isinstance(error, GateRefused):
            body["checks"] = _told(error.checks)
        ledger.append(Kind.MODEL_REFUSED, actor=by, subject=f"model:{model}", body=body)
        raise
    done = registry.move(
        model,
        alias,
        to=version,
        signer=signer,
        by=by,
        reason=reason,
        checks=checks,
        expected=lambda now: _require_same(now, number),
    )
    ledger.append(
        Kind.MODEL_MOVED,
        actor=by,
        subject=f"model:{model}",
        body={
            "alias": alias.value,
            "version": version,
            "number": done.number,
            "reason": reason,
            "aliases": dict(done.versions),
            "checks": _told(checks),
        },
    )
    return done


def find_before(registry: Registry, model: str) -> str:
    """The version that was live before. Raises NothingBefore."""
    stands = registry.find_move(model)
    before = stands.find(Alias.PREVIOUS) if stands is not None else None
    if before is None:
        raise NothingBefore(
            Text(ja=f"{model} には前の版がありません", en=f"No version of {model} was live before"),
            hint=Text(
                ja="`hrx release models move 版` で選びます。",
                en="Choose one with `hrx release models move VERSION`.",
            ),
        )
    return before


def _judge(registry: Registry, version: str, *, runbook: Path) -> tuple[GateCheck, ...]:
    known, content = registry.load(version)
    policy = get_policy(runbook, known.model)
    return judge(known, try_model(content, known.golden), policy)


def _require_same(now: Move | None, number: int) -> None:
    """The gate takes seconds: what it decided holds only while nobody moved anything."""
    if (now.number if now is not None else 0) != number:
        raise Conflict(
            Text(
                ja="確かめている間に、ほかの人が切り替えました。何も変えていません",
                en="Somebody else moved it while the gate was looking; nothing was changed",
            ),
            hint=Text(ja="もう一度実行してください。", en="Run it again."),
            code="model.alias_moved_meanwhile",
        )


def _told(checks: tuple[GateCheck, ...]) -> list[dict[str, object]]:
    return [{"name": one.name, "has_held": one.has_held, "detail": one.detail} for one in checks]
