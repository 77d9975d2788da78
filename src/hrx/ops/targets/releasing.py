"""What a release may ask of a place where HRX-AI runs: bring a build there, make it live, go back to another.

One protocol for this machine and for every vendor, held to one conformance suite (tests/ops/targets). Every
call has a time-out and may run twice: a deployment is made under a name of ours (`key`), and a place that
has one under that name gives it instead of making another. Nothing here knows how a vendor is spoken to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from hrx.kit.errors import Invalid, Refused, Text, Unavailable
from hrx.kit.settings import SecretStr

#: Fits every vendor's names: a machine at Fly.io, a branch-like text elsewhere.
_KEY: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: A tag that moves says nothing about what runs, and a lost answer could not be found again by it.
_PINNED: Final = re.compile(r"[^\s@]+(@sha256:[0-9a-f]{64}|:(?!latest$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})")


class DeploymentState(StrEnum):
    """Where a deployment stands by the place's own word."""

    WAITING = "waiting"
    READY = "ready"
    STOPPED = "stopped"
    FAILED = "failed"
    REMOVED = "removed"


class Traffic(StrEnum):
    """When a deployment gets people's requests."""

    AFTER_HEALTH = "after_health"
    AT_ONCE = "at_once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A container image that the place fetches itself; pinned by digest or by a tag that is not `latest`."""

    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Files on this machine."""

    path: Path


Build = Image | Folder


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingValue:
    """A value to push. `is_secret` decides how the vendor keeps it; here both are never written down."""

    value: SecretStr
    is_secret: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A build that the place has. `uploaded` counts the files that had to be sent (0 for an image)."""

    build: Build
    files: tuple[tuple[str, str, int], ...] = ()
    uploaded: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment as the place tells of it; `version` and `key` are ours, None when made by others."""

    id: str
    version: str | None
    key: str | None
    state: DeploymentState
    is_live: bool
    created_at: datetime
    url: str | None = None
    may_roll_back: bool = True


class ReleaseTarget(Protocol):
    """A place where releases are put.

    Every method may raise Refused (the credential is not accepted, or a safety rule said no), Invalid (the
    place calls the request wrong), Unavailable (no answer, 5xx, or too many requests for longer than the
    limit): after Unavailable the same call again is right and makes nothing twice."""

    @property
    def name(self) -> str:
        """Short name for messages and the ledger, such as `railway`."""

    @property
    def traffic(self) -> Traffic:
        """Whether people's requests come only after health was seen, or at once."""

    def prepare(self, build: Build) -> Prepared:
        """Have the build at the place; what is there already is not sent again.

        Raises Invalid for a kind of build that this place cannot take."""

    def push_settings(self, values: Mapping[str, SettingValue]) -> tuple[str, ...]:
        """Set these variables for the next deployment and leave all others; gives their names.

        Raises Unavailable naming those that were not taken when only some were."""

    def deploy(self, prepared: Prepared, *, version: str, key: str) -> Deployment:
        """Make the deployment called `key`, or give the one that is there; does not wait for it."""

    def wait_until_healthy(self, deployment_id: str, *, timeout_s: float) -> Deployment:
        """Wait until it answers at its health path and has people's requests; continues a half-done switch.

        Raises DeploymentUnhealthy, NotFound, Unavailable after `timeout_s`."""

    def list_deployments(self) -> tuple[Deployment, ...]:
        """Newest first; at most one is live."""

    def roll_back(self, to: str, *, key: str, timeout_s: float) -> Deployment:
        """Make a former deployment live again and wait for it; nothing happens when it is live.

        Raises NotFound, Refused when the place cannot go back to it, DeploymentUnhealthy."""

    def delete_deployment(self, deployment_id: str) -> None:
        """Remove it for good; one that is gone is no error. Raises Refused for the live one."""

    def tail_log(self, deployment_id: str, *, lines: int) -> tuple[str, ...]:
        """The last lines that it wrote, oldest first, secrets masked."""

    def close(self) -> None:
        """Let go of connections."""


class DeploymentUnhealthy(Refused):
    """It was made, but does not answer as it must: trying again unchanged gives the same."""

    code = "target.unhealthy"


class AnswerLost(Unavailable):
    """A change was asked for and no answer came: it may have been made."""

    code = "target.answer_lost"


def require_key(key: str) -> str:
    """The name as given. Raises Invalid for one that some vendor would not take."""
    if _KEY.fullmatch(key) is None:
        raise Invalid(
            Text(
                ja=f"「{key}」はデプロイの名前に使えません。",
                en=f"“{key}” cannot name a deployment.",
            ),
            hint=Text(
                ja="小文字・数字・ハイフンで 40 文字までにしてください。",
                en="Use at most 40 lower-case letters, digits and hyphens.",
            ),
            code="target.key_invalid",
        )
    return key


def require_image(build: Build, *, target: str) -> Image:
    """The build as a pinned image. Raises Invalid for a folder or for a tag that moves."""
    if not isinstance(build, Image):
        raise _wrong_kind(target, Text(ja="コンテナイメージ", en="a container image"))
    if _PINNED.fullmatch(build.reference) is None:
        raise Invalid(
            Text(
                ja=f"イメージ {build.reference} は版が固定されていません。",
                en=f"The image {build.reference} is not pinned.",
            ),
            hint=Text(
                ja="`@sha256:…` か、`latest` 以外のタグを付けてください。",
                en="Name it by `@sha256:…` or by a tag other than `latest`.",
            ),
            code="target.image_not_pinned",
        )
    return build


def require_folder(build: Build, *, target: str) -> Folder:
    """The build as a folder that is there. Raises Invalid."""
    if not isinstance(build, Folder):
        raise _wrong_kind(target, Text(ja="フォルダー", en="a folder"))
    if not build.path.is_dir():
        raise Invalid(
            Text(ja=f"フォルダー {build.path} がありません。", en=f"There is no folder {build.path}."),
            code="target.folder_missing",
        )
    return build


def require_names(values: Mapping[str, SettingValue]) -> None:
    """Raises Invalid when a name is no name of an environment variable."""
    wrong = sorted(name for name in values if _VARIABLE.fullmatch(name) is None)
    if wrong:
        raise Invalid(
            Text(
                ja=f"環境変数の名前ではありません: {', '.join(wrong)}",
                en=f"Not names of environment variables: {', '.join(wrong)}",
            ),
            code="target.setting_name_invalid",
        )


def find_by_key(deployments: Sequence[Deployment], key: str) -> Deployment | None:
    """The newest under that name that was not removed."""
    alive = (one for one in deployments if one.state is not DeploymentState.REMOVED)
    return next((one for one in alive if one.key == key), None)


def find_live(deployments: Sequence[Deployment]) -> Deployment | None:
    return next((one for one in deployments if one.is_live), None)


def plan_deletions(deployments: Sequence[Deployment], *, keep: int) -> tuple[str, ...]:
    """Ids of old deployments that may go, oldest first: never the live one, nor one still on its way.

    `keep` (at least 1) counts those to which one may go back, besides the live one."""
    newest_first = sorted(deployments, key=lambda one: one.created_at, reverse=True)
    settled = [
        one
        for one in newest_first
        if not one.is_live and one.state not in (DeploymentState.WAITING, DeploymentState.REMOVED)
    ]
    useful = [one for one in settled if one.state is not DeploymentState.FAILED][: max(keep, 1)]
    kept = {one.id for one in useful}
    return tuple(one.id for one in reversed(settled) if one.id not in kept)


def refuse_live(deployment: Deployment, *, target: str) -> Refused:
    return Refused(
        Text(
            ja=f"{target}: {deployment.id} はいま公開中なので消せません。",
            en=f"{target}: {deployment.id} is live and cannot be deleted.",
        ),
        hint=Text(
            ja="先に別のデプロイへ切り替えてください(`hrx release bring-back`)。",
            en="Make another one live first (`hrx release bring-back`).",
        ),
        code="target.live",
    )


def unhealthy(target: str, deployment_id: str, *, why: Text) -> DeploymentUnhealthy:
    return DeploymentUnhealthy(
        Text(
            ja=f"{target}: {deployment_id} が正常になりません({why.ja})。",
            en=f"{target}: {deployment_id} does not become healthy ({why.en}).",
        ),
        hint=Text(
            ja="ログを見て直し、新しい版を出してください(`hrx release deployments`)。",
            en="Read its log and release a corrected version (`hrx release deployments`).",
        ),
    )


def cannot_go_back(target: str, deployment_id: str, *, why: Text) -> Refused:
    return Refused(
        Text(
            ja=f"{target}: {deployment_id} には戻せません({why.ja})。",
            en=f"{target}: cannot go back to {deployment_id} ({why.en}).",
        ),
        hint=Text(
            ja="戻せる版は `hrx release deployments` で確かめられます。",
            en="See `hrx release deployments` for those that can be brought back.",
        ),
        code="target.cannot_go_back",
    )


def _wrong_kind(target: str, wants: Text) -> Invalid:
    return Invalid(
        Text(ja=f"{target} が受け取るのは{wants.ja}です。", en=f"{target} takes {wants.en}."),
        code="target.wrong_build",
    )
