"""The files of deploy/platforms, from the settings and from the health paths that the release targets use.

`python deploy/write_platforms.py` writes them; with `--check` it writes nothing and exits 1 when a file is
not what the code says. `--api-url` is where the portal at Vercel finds the API: name your own before a
release."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hrx.kit.settings import SettingDoc
from hrx.ops.release.environments.schema import ask_product
from hrx.ops.targets.vendors import API_HEALTH, API_PORT

ROOT: Final = Path(__file__).resolve().parents[1]
TARGET: Final = ROOT / "deploy" / "platforms"
API_URL: Final = "https://api.hrx.example"
STORAGE: Final = "/var/lib/hrx/storage"
#: What a container on a platform needs to be told besides secrets; each is a setting of the product.
VALUES: Final = {
    "HRX_ENVIRONMENT": "production",
    "HRX_API_BIND": "0.0.0.0",  # noqa: S104 - the platform's own proxy is the only way in
    "HRX_API_PORT": str(API_PORT),
    "HRX_STORAGE_URL": f"file:{STORAGE}",
}
#: Told by each installation: they have a default that is right for one machine only.
OWN: Final = ("HRX_PUBLIC_URL", "HRX_TRUSTED_PROXIES")
#: The edge's own headers (deploy/edge/haproxy.cfg), for a portal that has no such edge before it.
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
_MADE: Final = "Made by deploy/write_platforms.py; a test compares it with the code."


def make_variables(rows: list[SettingDoc]) -> dict[str, object]:
    """What the API's place has to be told, by name. Raises SystemExit for what is no plain setting."""
    known = {row.variable: row for row in rows}
    wrong = [name for name in (*VALUES, *OWN) if name not in known or known[name].is_secret]
    if wrong:
        raise SystemExit(f"no plain settings of the product: {', '.join(wrong)}")
    return {
        "values": VALUES,
        "own": list(OWN),
        "required_secrets": [row.variable for row in rows if row.is_secret and row.is_required],
        "optional_secrets": [row.variable for row in rows if row.is_secret and not row.is_required],
    }


def make_railway() -> dict[str, object]:
    return {
        "$schema": "https://railway.com/railway.schema.json",
        "build": {
            "builder": "DOCKERFILE",
            "dockerfilePath": "deploy/docker/python.Dockerfile",
            "watchPatterns": [
                "src/**",
                "migrations/**",
                "requirements.lock",
                "requirements-encoders.lock",
                "deploy/docker/python.Dockerfile",
            ],
        },
        "deploy": {
            "healthcheckPath": API_HEALTH,
            "healthcheckTimeout": 300,
            "restartPolicyType": "ON_FAILURE",
            "restartPolicyMaxRetries": 10,
            "overlapSeconds": 20,
            "drainingSeconds": 30,
        },
    }


def make_fly(secrets: list[str]) -> str:
    env = "\n".join(f'{name} = "{value}"' for name, value in VALUES.items())
    return f"""\
# {_MADE}
# fly deploy --config deploy/platforms/fly.toml --image IMAGE
# Secrets first: {", ".join(secrets)}; and {", ".join(OWN)}.
app = "hrx-api"
primary_region = "nrt"
kill_signal = "SIGTERM"
kill_timeout = "40s"

[deploy]
strategy = "bluegreen"

[env]
{env}

[http_service]
internal_port = {API_PORT}
force_https = true
auto_stop_machines = "off"
auto_start_machines = false
min_machines_running = 2

[[http_service.checks]]
method = "GET"
path = "{API_HEALTH}"
interval = "10s"
timeout = "5s"
grace_period = "20s"

[[restart]]
policy = "on-failure"
retries = 10

[[vm]]
size = "shared-cpu-1x"
memory = "1gb"
"""


def make_vercel(api_url: str) -> dict[str, object]:
    return {
        "$schema": "https://openapi.vercel.sh/vercel.json",
        "framework": "nextjs",
        "installCommand": "npm ci --no-audit --no-fund",
        "buildCommand": "npx next build",
        "regions": ["hnd1"],
        "rewrites": [
            {"source": f"/{name}", "destination": f"{api_url}/{name}"}
            for name in ("api/:path*", "livez", "readyz", "version")
        ],
        "headers": [
            {
                "source": "/(.*)",
                "headers": [{"key": name, "value": value} for name, value in HEADERS.items()],
            }
        ],
    }


def make_wrangler() -> str:
    return f"""\
# {_MADE}
# The status page as a copy that outlives this machine: its folder is HRX_STATUS_MIRROR_DIR.
name = "hrx-status"
pages_build_output_dir = "../../var/status-mirror"
compatibility_date = "2026-11-01"
"""


def make_all(*, api_url: str = API_URL) -> dict[Path, str]:
    """Every file with its text."""
    rows = ask_product()
    return {
        TARGET / "railway.json": _json(make_railway()),
        TARGET / "fly.toml": make_fly([row.variable for row in rows if row.is_secret and row.is_required]),
        TARGET / "vercel.json": _json(make_vercel(api_url)),
        TARGET / "wrangler.toml": make_wrangler(),
        TARGET / "variables.json": _json(make_variables(rows)),
    }


def _json(document: Mapping[str, object]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--api-url", default=API_URL)
    asked = parser.parse_args()
    wanted = make_all(api_url=asked.api_url.rstrip("/"))
    wrong = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    for path in wrong:
        if asked.check:
            print(f"not what the code says: {path.relative_to(ROOT)}")
        else:
            path.write_text(text := wanted[path])
            print(f"{path.relative_to(ROOT)} ({len(text)} characters)")
    return 1 if asked.check and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
