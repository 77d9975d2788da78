"""Keys planted in files as they are really leaked, and decoys that look like keys and are none.

Every value is made anew at each run from a seed, so that no key-like text stands here. Corpus and rules
 have one author: the trees of other people's packages (benchmarks/leaks.py) are the harder decoys."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_ALNUM: Final = string.ascii_letters + string.digits
_URLSAFE: Final = _ALNUM + "-_"
_BASE64: Final = _ALNUM + "+/"
_HEX: Final = "0123456789abcdef"
_UPPER32: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One file. `secret` is what was planted; None for a decoy, in which nothing may be reported."""

    name: str
    path: str
    text: str
    secret: str | None


def make_corpus(seed: int) -> list[Sample]:
    """The same files for the same seed; every kind once."""
    chance = random.Random(seed)  # noqa: S311

    def pick(alphabet: str, count: int) -> str:
        # A random value of this length without a digit is possible, and no key of these issuers.
        found = "".join(chance.choices(alphabet, k=count - 2)) + "7" + chance.choice(alphabet)
        return found[1:] + found[0] if found[0] in "-_+/" else found

    return [*_plant(pick), *_decoy(pick)]


def _plant(pick: Callable[[str, int], str]) -> list[Sample]:
    stripe, hook = f"sk_live_{pick(_ALNUM, 24)}", f"whsec_{pick(_ALNUM, 32)}"
    restricted = f"rk_live_{pick(_ALNUM, 99)}"
    bot, app = (
        f"xoxb-{pick('0123456789', 12)}-{pick(_ALNUM, 24)}",
        f"xapp-1-{pick(_UPPER32, 11)}-{pick(_HEX, 64)}",
    )
    path = f"T{pick(_UPPER32, 9)}/B{pick(_UPPER32, 9)}/{pick(_ALNUM, 24)}"
    incoming = f"https://hooks.slack.com/services/{path}"
    key_id, key = f"AKIA{pick(_UPPER32, 16)}", pick(_BASE64, 40)
    github, fine = f"ghp_{pick(_ALNUM, 36)}", f"github_pat_{pick(_ALNUM, 22)}_{pick(_ALNUM, 59)}"
    anthropic = f"sk-ant-api03-{pick(_URLSAFE, 95)}"
    openai, google = f"sk-proj-{pick(_URLSAFE, 120)}", f"AIza{pick(_ALNUM, 35)}"
    fly = f"fm2_{pick(_BASE64, 180)}"
    supabase, vault = f"sbp_{pick(_HEX, 40)}", f"hvs.{pick(_URLSAFE, 90)}"
    jwt = ".".join((_part({"alg": "HS256"}), _part({"role": "service_role", "iat": 1}), pick(_URLSAFE, 43)))
    pem = "\n".join(pick(_BASE64, 64) for _ in range(12))
    database, session = pick(_URLSAFE, 32), pick(_URLSAFE, 64)
    routing, signing = pick(_HEX, 32), pick(_HEX, 32)
    smtp, redis = "Kaiso-7291!Maru", pick(_URLSAFE, 32)
    age = f"AGE-SECRET-KEY-1{pick(_UPPER32, 58)}"
    oauth, own = f"GOCSPX-{pick(_ALNUM, 28)}", pick(_URLSAFE, 43)
    begin, end = "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"
    rows = (
        ("stripe key in Python", "app/billing.py", f'stripe.api_key = "{stripe}"\n', stripe),
        ("stripe webhook in .env", "deploy/.env.old", f"STRIPE_WEBHOOK_SECRET={hook}\n", hook),
        ("restricted key in YAML", "ops/values.yaml", f"stripe:\n  key: {restricted}\n", restricted),
        ("slack bot token in a log", "log/api.log", f'{{"m":"401 with {bot}"}}\n', bot),
        ("slack app token", "bot.ts", f"const t = '{app}';\n", app),
        ("slack incoming webhook", "notify.sh", f"curl -d @- {incoming}\n", incoming),
        ("aws key id", "aws.ini", f"aws_access_key_id = {key_id}\n", key_id),
        ("aws secret", "aws.ini", f"aws_secret_access_key = {key}\n", key),
        ("github token in a remote", ".git-config", f"url = https://x:{github}@github.com/a/b\n", github),
        ("github fine-grained", "ci.yml", f"env:\n  GH_TOKEN: {fine}\n", fine),
        ("anthropic key in a notebook", "try.ipynb", f'"source": ["k=\\"{anthropic}\\"\\n"]\n', anthropic),
        ("openai key in a bundle", "static/a.js", f'let e=1,t={{apiKey:"{openai}"}};', openai),
        ("google key in a bundle", "static/b.js", f'fetch("/m?key={google}&v=3")', google),
        ("google client secret", "oidc.json", f'{{"client_secret":"{oauth}"}}\n', oauth),
        ("fly token", "fly.sh", f'export FLY_API_TOKEN="FlyV1 {fly}"\n', fly),
        ("supabase token", "supabase.md", f"use `{supabase}` for now\n", supabase),
        ("vault token", "vault.hcl", f'token = "{vault}"\n', vault),
        ("service role token", "client.ts", f'createClient(url, "{jwt}")\n', jwt),
        ("private key", "key.pem", f"{begin}\n{pem}\n{end}\n", pem),
        ("private key in JSON", "sa.json", f'{{"k":"{begin}\\n{pem.replace(chr(10), chr(92) + "n")}"}}', pem),
        ("backup key", "notes.txt", f"# keep\n{age}\n", age),
        ("database URL", "prod.env", f"DATABASE_URL=postgres://hrx_app:{database}@db.co/hrx\n", database),
        ("redis URL", "a.py", f'URL = "redis://:{redis}@10.0.0.3:6379/0"\n', redis),
        ("session keys", "secrets.env", f"HRX_SESSION_KEYS={session}\n", session),
        ("pagerduty key", "alert.yml", f"    routing_key: '{routing}'\n", routing),
        ("slack signing secret", "c.py", f'SLACK_SIGNING_SECRET = "{signing}"\n', signing),
        ("typed password", "mail.toml", f'smtp_password = "{smtp}"\n', smtp),
        ("own hook token in JSON", "cfg.json", f'  "hook_token": "{own}",\n', own),
    )
    return [Sample(name=name, path=path, text=text, secret=secret) for name, path, text, secret in rows]


def _decoy(pick: Callable[[str, int], str]) -> list[Sample]:
    sha512 = base64.b64encode(pick(_ALNUM, 64).encode()).decode()
    rows = (
        ("npm integrity", "package-lock.json", f'"integrity": "sha512-{sha512}",\n'),
        ("alembic revision", "migrations/0007.py", f'revision = "{pick(_HEX, 12)}"\ndown_revision = None\n'),
        ("git commit", "CHANGELOG.md", f"fixed in {pick(_HEX, 40)}\n"),
        ("docker digest", "Dockerfile", f"FROM python@sha256:{pick(_HEX, 64)}\n"),
        ("pip hash", "requirements.lock", f"    --hash=sha256:{pick(_HEX, 64)}\n"),
        ("aws example", "docs/aws.md", "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\n"),
        (
            "example secret",
            "docs/aws.md",
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
        ),
        ("placeholder", ".env.example", "STRIPE_SECRET_KEY=sk_live_xxxxxxxxxxxxxxxxxxxxxxxx\n"),
        ("template", "ci.yml", "token: ${{ secrets.DEPLOY_TOKEN_2026 }}\n"),
        ("variable", "a.py", 'password = os.environ["HRX_POSTGRES_APP_PASSWORD1"]\n'),
        ("call", "b.py", "secret_key = derive_key_2(settings.seal_keys1)\n"),
        ("word", "c.py", 'SECRET_NAME = "hrx/production/session-keys-2"\n'),
        ("public key", "known_hosts", f"db ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{pick(_ALNUM, 43)}\n"),
        ("certificate", "ca.pem", f"-----BEGIN CERTIFICATE-----\n{pick(_BASE64, 64)}\n"),
        ("id", "d.json", '"id": "018f3c1e-7c2a-7b1e-9a50-3b6a1c2d4e5f", "token_type": "bearer_token_v2_0"\n'),
        ("masked", "log/api.log", "Authorization: Bearer •••••• password=•••••• postgres://a:••••••@db/x\n"),
        (
            "example URL",
            "docs/db.md",
            "postgresql://hrx_app:…@127.0.0.1:8432/hrx and postgres://u:password@h/d\n",
        ),
        ("header only", "e.py", 'MARK = "-----BEGIN PRIVATE KEY-----"\n'),
        ("type", "f.ts", "function sign(token: Base64UrlString1234, apiKey: Record<string, unknown>) {}\n"),
        ("minified", "static/c.js", 'e.token=t.accessToken2||n.apiKey1,o.key="ArrowDown1",i.secret=void 0;'),
        ("module hash", "static/d.js", f'"static/chunks/{pick(_HEX, 16)}.js"'),
        ("css token", "g.css", "--token: var(--color-gray-900-2x);\n"),
    )
    return [Sample(name=name, path=path, text=text, secret=None) for name, path, text in rows]


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode() + b" " * 3).decode().rstrip("=")
