"""Where releases may be put besides this machine: the vendors' projects and what opens them.

A vendor without its token or its names is not used; `hrx release targets` says what each still lacks."""

from __future__ import annotations

from typing import Literal

from hrx.kit.settings import SecretStr, Settings, setting


class TargetSettings(Settings):
    """Railway and Fly.io for the API, Vercel for the portal, Cloudflare Pages for the status page."""

    target_call_timeout_s: float = setting(
        20.0,
        ja="リリース先の API の 1 回の応答を待つ時間",
        en="How long one answer of a target's API is waited for",
        unit="s",
        gt=0,
        le=120,
    )
    target_too_many_s: float = setting(
        60.0,
        ja="「要求が多すぎる」(429)と言われたとき、1 回の呼び出しで合わせて待つ上限",
        en="Most that one call waits in all when a target says that there are too many requests (429)",
        unit="s",
        ge=0,
        le=600,
    )
    target_poll_s: float = setting(
        2.0,
        ja="デプロイの様子を見る間隔",
        en="How often a deployment on its way is looked at",
        unit="s",
        gt=0,
        le=60,
    )
    railway_url: str = setting(
        "https://backboard.railway.com/graphql/v2",
        ja="Railway の API の URL",
        en="URL of Railway's API",
        unit="URL",
    )
    railway_token: SecretStr | None = setting(
        None, ja="Railway のトークン", en="Railway's token", unit="secret"
    )
    railway_token_kind: Literal["project", "account"] = setting(
        "project",
        ja="そのトークンの種類(プロジェクトか、アカウント・ワークスペースか)",
        en="The kind of that token: of one project, or of an account or workspace",
    )
    railway_project: str | None = setting(
        None, ja="Railway のプロジェクトの ID", en="Id of the project at Railway"
    )
    railway_environment: str | None = setting(
        None, ja="Railway の環境の ID", en="Id of the environment at Railway"
    )
    railway_service: str | None = setting(
        None, ja="Railway のサービスの ID", en="Id of the service at Railway"
    )
    fly_url: str = setting(
        "https://api.machines.dev",
        ja="Fly.io の Machines API の URL",
        en="URL of Fly.io's Machines API",
        unit="URL",
    )
    fly_logs_url: str = setting(
        "https://api.fly.io", ja="Fly.io のログの API の URL", en="URL of Fly.io's API of logs", unit="URL"
    )
    fly_token: SecretStr | None = setting(
        None,
        ja="Fly.io のトークン(アプリ単位の deploy token)",
        en="Fly.io's token (a deploy token of the app)",
        unit="secret",
    )
    fly_app: str | None = setting(
        None, ja="Fly.io のアプリの名前", en="Name of the app at Fly.io", example="hrx-api"
    )
    fly_region: str = setting("nrt", ja="Fly.io の地域", en="Region at Fly.io")
    fly_machines: int = setting(
        2, ja="一つの版を動かすマシンの数", en="How many machines run one version", unit="count", ge=1, le=50
    )
    fly_memory_mb: int = setting(
        1024, ja="マシン 1 台のメモリー", en="Memory of one machine", unit="MiB", ge=256, le=65_536
    )
    vercel_url: str = setting(
        "https://api.vercel.com", ja="Vercel の API の URL", en="URL of Vercel's API", unit="URL"
    )
    vercel_token: SecretStr | None = setting(None, ja="Vercel のトークン", en="Vercel's token", unit="secret")
    vercel_project: str | None = setting(
        None, ja="Vercel のプロジェクトの ID", en="Id of the project at Vercel", example="prj_…"
    )
    vercel_team: str | None = setting(
        None,
        ja="Vercel のチームの ID。個人のアカウントなら不要",
        en="Id of the team at Vercel; none for a personal account",
        example="team_…",
    )
    vercel_bypass_secret: SecretStr | None = setting(
        None,
        ja="保護されたデプロイを見るための値(Protection Bypass for Automation)",
        en="What opens protected deployments to our look at their health (Protection Bypass for Automation)",
        unit="secret",
    )
    cloudflare_url: str = setting(
        "https://api.cloudflare.com/client/v4",
        ja="Cloudflare の API の URL",
        en="URL of Cloudflare's API",
        unit="URL",
    )
    cloudflare_pages_token: SecretStr | None = setting(
        None, ja="Cloudflare Pages のトークン", en="Cloudflare's token for Pages", unit="secret"
    )
    cloudflare_account: str | None = setting(
        None, ja="Cloudflare のアカウントの ID", en="Id of the account at Cloudflare"
    )
    cloudflare_pages_project: str | None = setting(
        None,
        ja="Cloudflare Pages のプロジェクトの名前",
        en="Name of the project at Cloudflare Pages",
        example="hrx-status",
    )
