"""What a process of the stack may know: computed here, added to by HRX_* of the shell and of `.env`.

Least privilege: a program gets the secrets it needs and no others. A setting of the person who typed
`make up` reaches only the plane it belongs to."""

from __future__ import annotations

import hmac
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.models.settings import ModelStoreSettings
from hrx.kit.models.signing import public_file_of
from hrx.kit.settings import ENV_PREFIX, Settings, load
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.ports import Ports
from hrx.ops.targets.machine.secrets import GENERATED, parse_env
from hrx.ops.targets.machine.settings import MachineSettings

#: Owner and superuser of the database: for migrations, never for a running program.
_NEVER_PASSED: Final = frozenset({"HRX_OWNER_DATABASE_URL", "HRX_STACK", "HRX_PROGRAM", "HRX_DIGEST"})
#: The probe opens no database and no cache, and nobody calls it back.
_NOT_FOR_PROBE: Final = frozenset(
    {
        "HRX_OPS_DATABASE_URL",
        "HRX_STANDBY_DATABASE_URL",
        "HRX_REDIS_URL",
        "HRX_LEDGER_URL",
        "HRX_SLACK_SIGNING_SECRET",
        "HRX_SUBSCRIBER_KEY",
        "HRX_BACKUP_CONNINFO",
        "HRX_BACKUP_PASSFILE",
        "HRX_OFFSITE_ACCESS_KEY_ID",
        "HRX_OFFSITE_SECRET_ACCESS_KEY",
        "HRX_VAULT_TOKEN",
    }
)
#: What the inbox knows of the operations plane: its own doors, the stand-ins' keys, and where buttons lead.
_FOR_INBOX: Final = frozenset(
    {
        "HRX_VAR_DIR", "HRX_RUNBOOK_DIR", "HRX_INBOX_PORT", "HRX_INBOX_SMTP_PORT", "HRX_OPS_PORT",
        "HRX_OPS_PUBLIC_URL", "HRX_SLACK_BOT_TOKEN", "HRX_SLACK_SIGNING_SECRET", "HRX_WEBHOOK_SECRET",
        "HRX_LANGUAGE", "HRX_ENVIRONMENT", "HRX_LOG_LEVEL", "HRX_COMMIT", "HRX_STACK",
    }
)  # fmt: skip
#: The keeper of the backups pages nobody and opens no cache: its figures do, by the rules on them.
_NOT_FOR_BACKUP: Final = frozenset(
    {
        "HRX_REDIS_URL", "HRX_OPS_HOOK_TOKEN", "HRX_SLACK_BOT_TOKEN", "HRX_SLACK_SIGNING_SECRET",
        "HRX_PAGERDUTY_ROUTING_KEY", "HRX_WEBHOOK_SECRET", "HRX_SMTP_PASSWORD", "HRX_SUBSCRIBER_KEY",
        "HRX_VAULT_TOKEN",
    }
)  # fmt: skip
#: Of both planes.
_SHARED: Final = frozenset(
    {"HRX_REDIS_URL", "HRX_LOG_LEVEL", "HRX_ENVIRONMENT", "HRX_ENCODERS_DIR", "HRX_SEARCH_ENCODER"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the data is. A URL that the user named is used instead of a part of our own."""

    app_database: str
    owner_database: str | None
    ops_database: str | None
    redis: str | None
    is_redis_elsewhere: bool = False
    standby_database: str | None = None
    backup_conninfo: str | None = None
    backup_passfile: Path | None = None


def read_env_file(root: Path) -> None:
    """Take HRX_* from `.env` of the checkout into this process, where the shell has not set them.

    Not where HRX_READS_ENV_FILE says no: its channels and keys are those of the living stack."""
    if not load(MachineSettings).reads_env_file:
        return
    path = root / ".env"
    for name, value in parse_env(path.read_text()).items() if path.is_file() else ():
        if name.startswith(ENV_PREFIX):
            os.environ.setdefault(name, value)


def read_stack_environment(layout: Layout) -> None:
    """Take what the running operations plane knows (ports, URLs) into this process, for the command line.

    Does nothing before the first start, or when this user may not read it."""
    path = layout.run / "env" / "ops.env"
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        name, _, quoted = line.partition("=")
        if name.startswith(ENV_PREFIX) and name not in _NEVER_PASSED:
            os.environ.setdefault(name, "".join(shlex.split(quoted)))


def base_environment(layout: Layout) -> dict[str, str]:
    """What every program gets: where programs are, UTC, and whose stack it is."""
    path = [str(layout.root / ".venv" / "bin"), os.environ.get("PATH", ""), os.defpath]
    return {
        "PATH": os.pathsep.join(part for part in path if part),
        "HOME": str(layout.run),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "HRX_STACK": layout.stack_mark,
    }


def app_environment(
    layout: Layout,
    settings: MachineSettings,
    *,
    ports: Ports,
    endpoints: Endpoints,
    secrets: Mapping[str, str],
    commit: str,
) -> dict[str, str]:
    """The application plane's variables, slot and ports aside."""
    values = {
        **base_environment(layout),
        **_python(),
        "HRX_STORAGE_URL": f"file:{layout.var / 'storage'}",
        "HRX_PUBLIC_URL": settings.public_url or f"http://127.0.0.1:{ports.edge}",
        "HRX_SESSION_KEYS": secrets["HRX_SESSION_KEYS"],
        "HRX_SEAL_KEYS": secrets["HRX_SEAL_KEYS"],
        "HRX_COMMIT": commit,
        "HRX_SCORING_SOCKET": str(layout.scoring_socket),
        **_chosen_by_user(not_of=(MachineSettings, OpsSettings)),
        "HRX_DATABASE_URL": endpoints.app_database,
    }
    return values | ({"HRX_REDIS_URL": endpoints.redis} if endpoints.redis else {})


def faults_environment(layout: Layout, part: str) -> dict[str, str]:
    """The file by which drills disturb one part of the application; none in production."""
    if os.environ.get("HRX_ENVIRONMENT") == "production":
        return {}
    return {"HRX_FAULTS_FILE": str(layout.faults / f"{part}.json")}


def ops_environment(
    layout: Layout, *, ports: Ports, endpoints: Endpoints, secrets: Mapping[str, str], commit: str
) -> dict[str, str]:
    """The operations plane's variables: it looks at everything and can change nothing in the database."""
    values = {
        **base_environment(layout),
        **_python(),
        "HRX_RUNBOOK_DIR": str(layout.root / "runbook"),
        "HRX_EDGE_URL": f"http://127.0.0.1:{ports.edge}",
        "HRX_API_BLUE_URL": f"http://127.0.0.1:{ports['api_blue']}",
        "HRX_API_GREEN_URL": f"http://127.0.0.1:{ports['api_green']}",
        "HRX_WEB_BLUE_URL": f"http://127.0.0.1:{ports['web_blue']}",
        "HRX_WEB_GREEN_URL": f"http://127.0.0.1:{ports['web_green']}",
        "HRX_API_BLUE_METRICS_URL": f"http://127.0.0.1:{ports['api_blue_metrics']}/metrics",
        "HRX_API_GREEN_METRICS_URL": f"http://127.0.0.1:{ports['api_green_metrics']}/metrics",
        "HRX_WORKER_URL": f"http://127.0.0.1:{ports['worker']}",
        "HRX_HAPROXY_STATS_URL": f"http://127.0.0.1:{ports['haproxy_stats']}",
        "HRX_PROMETHEUS_URL": f"http://127.0.0.1:{ports['prometheus']}",
        "HRX_ALERTMANAGER_URL": f"http://127.0.0.1:{ports['alertmanager']}",
        "HRX_STATUS_URL": f"http://127.0.0.1:{ports['status']}",
        "HRX_PROBE_STATUS_URL": f"http://127.0.0.1:{ports['status']}/",
        "HRX_PROBE_URL": f"http://127.0.0.1:{ports['probe']}",
        "HRX_OPS_URL": f"http://127.0.0.1:{ports.ops}",
        "HRX_POSTGRES_EXPORTER_URL": f"http://127.0.0.1:{ports['postgres_exporter']}",
        "HRX_REDIS_EXPORTER_URL": f"http://127.0.0.1:{ports['redis_exporter']}",
        "HRX_SCORING_URL": f"http://127.0.0.1:{ports['scoring']}",
        "HRX_BACKUP_URL": f"http://127.0.0.1:{ports['backup']}",
        "HRX_COMMIT": commit,
        "HRX_OPS_HOOK_TOKEN": secrets["HRX_OPS_HOOK_TOKEN"],
        "HRX_SUBSCRIBER_KEY": secrets["HRX_SUBSCRIBER_KEY"],
        **(_stand_ins(ports, secrets) if has_inbox() else {}),
        **_chosen_by_user(of=OpsSettings),
        "HRX_VAR_DIR": str(layout.var),
        "HRX_TOOLS_DIR": str(layout.tools),
        **({"HRX_SERVICE_USER": layout.user} if layout.user else {}),
        "HRX_OPS_PORT": str(ports.ops),
        "HRX_STATUS_PORT": str(ports["status"]),
        "HRX_BACKUP_PORT": str(ports["backup"]),
    }
    for name, known in (
        ("HRX_OPS_DATABASE_URL", endpoints.ops_database),
        ("HRX_STANDBY_DATABASE_URL", endpoints.standby_database),
        ("HRX_REDIS_URL", endpoints.redis),
        ("HRX_BACKUP_CONNINFO", endpoints.backup_conninfo),
        ("HRX_BACKUP_PASSFILE", endpoints.backup_passfile),
    ):
        if known:
            values[name] = str(known)
    return values


def direct_secrets() -> dict[str, str] | None:
    """File name → secret of the channels through which Alertmanager tells people by itself.

    None in development, and where not both Slack and PagerDuty are configured."""
    found = {
        file: os.environ.get(name, "")
        for file, name in (
            ("slack-bot-token", "HRX_SLACK_BOT_TOKEN"),
            ("pagerduty-routing-key", "HRX_PAGERDUTY_ROUTING_KEY"),
        )
    }
    return found if not has_inbox() and all(found.values()) else None


def has_inbox() -> bool:
    """Whether this stack delivers its pages to an inbox of its own: in development, and nowhere else."""
    return os.environ.get("HRX_ENVIRONMENT", "development") == "development"


def _stand_ins(ports: Ports, secrets: Mapping[str, str]) -> dict[str, str]:
    """Every channel pointed at the inbox; one of which the user named anything is the user's alone.

    Each stand-in has a key of its own, derived from one secret, so that none opens another."""
    base, secret = f"http://127.0.0.1:{ports['inbox']}", secrets["HRX_INBOX_SECRET"]

    def key(name: str) -> str:
        return hmac.new(secret.encode(), name.encode(), "sha256").hexdigest()[:32]

    channels: tuple[dict[str, str], ...] = (
        {
            "HRX_SLACK_API_URL": f"{base}/slack/api/",
            "HRX_SLACK_BOT_TOKEN": f"xoxb-{key('slack-bot')}",
            "HRX_SLACK_SIGNING_SECRET": key("slack-signing"),
        },
        {"HRX_SMTP_HOST": "127.0.0.1", "HRX_SMTP_PORT": str(ports["inbox_smtp"])},
        {
            "HRX_PAGERDUTY_EVENTS_URL": f"{base}/pagerduty",
            "HRX_PAGERDUTY_ROUTING_KEY": key("pagerduty"),
        },
        {"HRX_WEBHOOK_URL": f"{base}/webhook", "HRX_WEBHOOK_SECRET": key("webhook")},
    )
    found = {
        "HRX_INBOX_URL": base,
        "HRX_INBOX_PORT": str(ports["inbox"]),
        "HRX_INBOX_SMTP_PORT": str(ports["inbox_smtp"]),
    }
    for channel in channels:
        if all(os.environ.get(name, ours) == ours for name, ours in channel.items()):
            found |= channel
    return found


def inbox_environment(known: Mapping[str, str]) -> dict[str, str]:
    """The inbox's variables: its doors and the stand-ins' keys; no database, no hook, no other address."""
    return {name: value for name, value in known.items() if not name.startswith("HRX_") or name in _FOR_INBOX}


def probe_environment(known: Mapping[str, str], *, ports: Ports) -> dict[str, str]:
    """The outside probe's variables: those of the plane without its databases; it looks, and pages."""
    kept = {name: value for name, value in known.items() if name not in _NOT_FOR_PROBE}
    return {**kept, "HRX_PROBE_PORT": str(ports["probe"])}


def backup_environment(known: Mapping[str, str]) -> dict[str, str]:
    """The variables of the keeper of the backups: those of the plane without its channels and its cache."""
    return {name: value for name, value in known.items() if name not in _NOT_FOR_BACKUP}


def status_environment(known: Mapping[str, str]) -> dict[str, str]:
    """The status page's variables: where its files are and its door; no secret, no other address."""
    wanted = ("HRX_VAR_DIR", "HRX_STATUS_PORT", "HRX_STATUS_BIND", "HRX_COMMIT", "HRX_LOG_LEVEL")
    kept = {name: value for name, value in known.items() if not name.startswith("HRX_") or name in wanted}
    return {**kept, "HRX_STACK": known["HRX_STACK"]}


def scoring_environment(
    layout: Layout, app: Mapping[str, str], ops: Mapping[str, str], *, ports: Ports
) -> dict[str, str]:
    """The variables of the part that scores: its limits, the registry of models and the public keys; no
    database, no cache, no key that signs."""
    own = {name: value for name, value in app.items() if name.startswith("HRX_SCORING_")}
    store = {name: value for name, value in ops.items() if name in _variables(ModelStoreSettings)}
    signing = Path(ops.get("HRX_MODEL_SIGNING_KEY_FILE") or layout.var / "model-signing.key")
    kept = {name: app[name] for name in ("HRX_COMMIT", "HRX_LOG_LEVEL") if name in app}
    return {
        **base_environment(layout),
        **_python(),
        "HRX_MODEL_STORE_URL": f"file:{layout.var / 'models'}",
        "HRX_SCORING_PUBLIC_KEYS_FILE": str(public_file_of(signing)),
        **kept,
        **store,
        **own,
        "HRX_SCORING_PORT": str(ports["scoring"]),
    }


def web_environment(layout: Layout, *, ports: Ports, slot: str) -> dict[str, str]:
    """The portal's variables. It renders and holds no secret: browsers speak to the API through the edge."""
    own = {name: value for name, value in os.environ.items() if name.startswith("HRX_WEB_")}
    return {
        **base_environment(layout),
        "NODE_ENV": "production",
        # Through the edge: whichever slot of the API is live.
        "HRX_API_URL": f"http://127.0.0.1:{ports.edge}",
        **own,
        "HRX_WEB_PORT": str(ports[f"web_{slot}"]),
        "HRX_WEB_METRICS_PORT": str(ports[f"web_{slot}_metrics"]),
        "HRX_WEB_KEPT_FOLDER": str(layout.kept_assets),
        "HRX_SLOT": slot,
    }


def _python() -> dict[str, str]:
    # Two arenas: glibc's default of eight per core holds on to memory that a small server never needs.
    return {"PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "2"}


def _chosen_by_user(
    *, of: type[Settings] | None = None, not_of: tuple[type[Settings], ...] = ()
) -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if name.startswith(ENV_PREFIX)}
    wanted = set(mine) if of is None else _variables(of)
    for other in not_of:
        wanted -= _variables(other) - _SHARED
    wanted -= _NEVER_PASSED | (set(GENERATED) if of is None else set())
    return {name: value for name, value in mine.items() if name in wanted and not name.startswith("HRX_WEB_")}


def _variables(plane: type[Settings]) -> set[str]:
    return {ENV_PREFIX + name.upper() for name in plane.model_fields}


def checkout() -> Path:
    """The folder of this checkout."""
    return Path(__file__).resolve().parents[5]
