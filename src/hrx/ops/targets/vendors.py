"""Every vendor that a release may go to: what it is for, what its settings still lack, and how it is opened.

The health paths stand here once: the files of deploy/platforms and the adapters have them from here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import NotFound, Refused, Text
from hrx.kit.settings import ENV_PREFIX, SecretStr
from hrx.ops.settings.targets import TargetSettings
from hrx.ops.targets.calling import Credential, Limits, Sleep
from hrx.ops.targets.cloudflare.shapes import Project as PagesProject
from hrx.ops.targets.cloudflare.target import CloudflarePages
from hrx.ops.targets.fly.shapes import App
from hrx.ops.targets.fly.target import Fly
from hrx.ops.targets.railway.journal import Journal
from hrx.ops.targets.railway.shapes import Place
from hrx.ops.targets.railway.target import Railway
from hrx.ops.targets.releasing import ReleaseTarget
from hrx.ops.targets.vercel.shapes import Project as VercelProject
from hrx.ops.targets.vercel.target import Vercel

#: The API is asked whether every dependency answers; the portal and the page only whether they serve.
API_HEALTH: Final = "/readyz"
API_PORT: Final = 8101
PORTAL_HEALTH: Final = "/web/livez"
PAGE_HEALTH: Final = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """`needs` are the settings without which it is not used; `rights` is what its token must be allowed."""

    name: str
    title: str
    serves: Text
    needs: tuple[str, ...]
    rights: Text
    open: Callable[[TargetSettings, Credential, Limits, Path, Sleep], ReleaseTarget]

    @property
    def token(self) -> str:
        """The setting that opens it."""
        return self.needs[0]


def list_lacks(vendor: Vendor, settings: TargetSettings) -> tuple[str, ...]:
    """Variables that are not set, by the names that one types; nothing is asked of the vendor."""
    return tuple(ENV_PREFIX + name.upper() for name in vendor.needs if not getattr(settings, name))


def find_vendor(name: str) -> Vendor:
    """Raises NotFound naming those that there are."""
    for one in VENDORS:
        if one.name == name:
            return one
    known = ", ".join(one.name for one in VENDORS)
    raise NotFound(
        Text(ja=f"リリース先「{name}」はありません。", en=f"There is no target “{name}”."),
        hint=Text(ja=f"使えるもの: {known}", en=f"There are: {known}."),
        code="target.unknown",
    )


def open_vendor(
    name: str, settings: TargetSettings, *, state_dir: Path, sleep: Sleep = time.sleep
) -> ReleaseTarget:
    """The target, ready to be used; `state_dir` keeps what must be remembered. Close it at the end.

    Raises NotFound, Refused when a setting is missing."""
    vendor = find_vendor(name)
    lacks = list_lacks(vendor, settings)
    if lacks:
        listed = ", ".join(lacks)
        raise Refused(
            Text(
                ja=f"{vendor.title} に必要な設定がありません: {listed}",
                en=f"{vendor.title} lacks settings: {listed}",
            ),
            hint=Text(
                ja="設定してから `hrx release targets` で確かめてください。",
                en="Set them, then see `hrx release targets`.",
            ),
            code="target.lacks_settings",
        )
    limits = Limits(
        call_s=settings.target_call_timeout_s,
        too_many_s=settings.target_too_many_s,
        poll_s=settings.target_poll_s,
    )
    return vendor.open(settings, make_credential(vendor, settings), limits, state_dir, sleep)


def make_credential(vendor: Vendor, settings: TargetSettings) -> Credential:
    """The header that opens the vendor's door."""
    token: SecretStr = getattr(settings, vendor.token)
    said = token.get_secret_value()
    header, value = "Authorization", f"Bearer {said}"
    if vendor.name == "railway" and settings.railway_token_kind == "project":  # noqa: S105 - its kind
        header, value = "Project-Access-Token", said
    if vendor.name == "fly" and said.startswith("FlyV1 "):
        value = said
    return Credential(
        variable=ENV_PREFIX + vendor.token.upper(),
        rights=vendor.rights,
        header=header,
        value=SecretStr(value),
    )


def _open_railway(
    settings: TargetSettings, credential: Credential, limits: Limits, state_dir: Path, sleep: Sleep
) -> ReleaseTarget:
    place = Place(
        project=str(settings.railway_project),
        environment=str(settings.railway_environment),
        service=str(settings.railway_service),
        health_path=API_HEALTH,
    )
    journal = Journal(state_dir / "railway.json")
    return Railway(
        place, credential=credential, journal=journal, url=settings.railway_url, limits=limits, sleep=sleep
    )


def _open_fly(
    settings: TargetSettings, credential: Credential, limits: Limits, state_dir: Path, sleep: Sleep
) -> ReleaseTarget:
    del state_dir
    app = App(
        name=str(settings.fly_app),
        region=settings.fly_region,
        machines=settings.fly_machines,
        port=API_PORT,
        health_path=API_HEALTH,
        memory_mb=settings.fly_memory_mb,
    )
    return Fly(
        app,
        credential=credential,
        url=settings.fly_url,
        logs_url=settings.fly_logs_url,
        limits=limits,
        sleep=sleep,
    )


def _open_vercel(
    settings: TargetSettings, credential: Credential, limits: Limits, state_dir: Path, sleep: Sleep
) -> ReleaseTarget:
    del state_dir
    project = VercelProject(
        id=str(settings.vercel_project), team=settings.vercel_team or "", health_path=PORTAL_HEALTH
    )
    return Vercel(
        project,
        credential=credential,
        url=settings.vercel_url,
        bypass=settings.vercel_bypass_secret,
        limits=limits,
        sleep=sleep,
    )


def _open_cloudflare(
    settings: TargetSettings, credential: Credential, limits: Limits, state_dir: Path, sleep: Sleep
) -> ReleaseTarget:
    del state_dir
    project = PagesProject(
        account=str(settings.cloudflare_account),
        name=str(settings.cloudflare_pages_project),
        health_path=PAGE_HEALTH,
    )
    return CloudflarePages(
        project, credential=credential, url=settings.cloudflare_url, limits=limits, sleep=sleep
    )


VENDORS: Final = (
    Vendor(
        name="railway",
        title="Railway",
        serves=Text(ja="API(イメージ)", en="API (an image)"),
        needs=("railway_token", "railway_project", "railway_environment", "railway_service"),
        rights=Text(ja="その環境のプロジェクトトークン", en="a project token of that environment"),
        open=_open_railway,
    ),
    Vendor(
        name="fly",
        title="Fly.io",
        serves=Text(ja="API(イメージ)", en="API (an image)"),
        needs=("fly_token", "fly_app"),
        rights=Text(ja="そのアプリの deploy token", en="a deploy token of that app"),
        open=_open_fly,
    ),
    Vendor(
        name="vercel",
        title="Vercel",
        serves=Text(ja="画面(web フォルダー)", en="portal (the folder web)"),
        needs=("vercel_token", "vercel_project"),
        rights=Text(ja="そのチームのアクセストークン", en="an access token scoped to that team"),
        open=_open_vercel,
    ),
    Vendor(
        name="cloudflare",
        title="Cloudflare Pages",
        serves=Text(ja="状況ページ(書き出したフォルダー)", en="status page (its exported folder)"),
        needs=("cloudflare_pages_token", "cloudflare_account", "cloudflare_pages_project"),
        rights=Text(ja="Account → Cloudflare Pages → Edit", en="Account → Cloudflare Pages → Edit"),
        open=_open_cloudflare,
    ),
)
