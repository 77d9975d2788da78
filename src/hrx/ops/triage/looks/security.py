"""Checks for a suspected attack: refused sign-ins by source, sessions and accounts, what is blocked.

Sources are named by their network and a digest. The whole address stays in the API's own log, where the
action that blocks a source finds it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from hrx.kit.errors import HrxError, Text
from hrx.ops.check import Fact
from hrx.ops.seams.addresses import shorten_address
from hrx.ops.seams.postgres import DatabaseRefused, read_rows
from hrx.ops.triage.eyes import Eyes
from hrx.ops.triage.looking import CheckSpec, Seen
from hrx.ops.triage.looks.database_words import unknown_database
from hrx.ops.triage.reading import read_requests

_SIGN_IN_ROUTES: Final = ("/api/v1/auth/login", "/api/v1/auth/totp")
_ACCOUNTS: Final = """
SELECT (SELECT COALESCE(sum(sessions), 0) FROM seam.tenant_counts)::bigint AS sessions,
       (SELECT COALESCE(sum(users), 0) FROM seam.tenant_counts)::bigint AS users
"""


def _look_at_failures(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    lines = [line for line in read_requests(eyes, "api") if line.get("route") in _SIGN_IN_ROUTES]
    refused = [line for line in lines if int(line.get("status", 0)) in (401, 403, 422, 429)]
    sources = Counter(str(line.get("address")) for line in refused if line.get("address"))
    top = sources.most_common(1)[0] if sources else None
    facts: dict[str, Fact] = {
        "attempts": len(lines),
        "failures": len(refused),
        "failures_per_s": round(len(refused) / eyes.window_s, 2),
        "peak_per_s": _peak_per_s([str(line.get("at", ""))[:19] for line in refused]),
        "sources": len(sources),
        "top_source": shorten_address(top[0]) if top else None,
        "top_share": round(top[1] / len(refused), 2) if top else None,
        "limited": len([line for line in refused if int(line["status"]) == 429]),
        "succeeded": len([line for line in lines if int(line.get("status", 0)) < 300]),
    }
    raw = "\n".join(f"{shorten_address(name)} {count}" for name, count in sources.most_common(20))
    return Seen(facts=facts, raw=raw)


def _peak_per_s(seconds: list[str]) -> int:
    """The most refused sign-ins in one second."""
    return max(Counter(seconds).values(), default=0)


def _look_at_accounts(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    url = eyes.plane.settings.ops_database_url
    if url is None:
        raise unknown_database()
    try:
        row = read_rows(url.get_secret_value(), _ACCOUNTS, timeout_s=2.0)[0]
    except DatabaseRefused as error:
        return Seen(facts={}, raw=error.why.en)
    return Seen(facts={"sessions": int(row["sessions"]), "users": int(row["users"])})


def _look_at_blocks(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    try:
        said = eyes.plane.target.list_blocked()
    except HrxError as error:
        return Seen(facts={}, raw=error.message.en)
    return Seen(facts={"blocked": len(said)}, raw="\n".join(shorten_address(item) for item in said))


def _look_at_denied(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    """Requests that asked for what they may not have: many of one account is a sign of theft."""
    lines = read_requests(eyes, "api")
    denied = [line for line in lines if int(line.get("status", 0)) in (403, 404)]
    users = Counter(line.get("user_id") for line in denied if line.get("user_id"))
    reads = Counter(line.get("user_id") for line in lines if line.get("user_id"))
    exports = [line for line in lines if "export" in str(line.get("route"))]
    top = users.most_common(1)[0] if users else None
    facts: dict[str, Fact] = {
        "requests": len(lines),
        "denied": len(denied),
        "top_user_id": int(str(top[0])) if top else None,
        "top_denied": top[1] if top else 0,
        "busiest_user_requests": reads.most_common(1)[0][1] if reads else 0,
        "exports": len(exports),
    }
    return Seen(facts=facts, raw="\n".join(f"user {user} {count}" for user, count in users.most_common(10)))


CHECKS: Final = (
    CheckSpec(
        id="auth.failures",
        title=Text(ja="断られたサインイン", en="Refused sign-ins"),
        asks=Text(
            ja="直近 2 分のサインインの失敗を、接続元ごとに数える(アドレスは伏せて残す)",
            en="Counts refused sign-ins of the last two minutes by source; addresses are kept shortened",
        ),
        facts=(
            "attempts", "failures", "failures_per_s", "peak_per_s", "sources", "top_source",
            "top_share", "limited", "succeeded",
        ),
        timeout_s=4,
        look=_look_at_failures,
    ),
    CheckSpec(
        id="auth.accounts",
        title=Text(ja="セッションとアカウントの数", en="Sessions and accounts"),
        asks=Text(ja="有効なセッションとアカウントを数える", en="Counts live sessions and active accounts"),
        facts=("sessions", "users"),
        timeout_s=4,
        look=_look_at_accounts,
    ),
    CheckSpec(
        id="auth.denied",
        title=Text(ja="許されなかった要求", en="Requests that were not allowed"),
        asks=Text(
            ja="403 と 404 をアカウントごとに、書き出しの回数とともに数える",
            en="Counts 403 and 404 answers by account, and exports",
        ),
        facts=(
            "requests", "denied", "top_user_id", "top_denied", "busiest_user_requests", "exports",
        ),
        timeout_s=4,
        look=_look_at_denied,
    ),
    CheckSpec(
        id="edge.blocked",
        title=Text(ja="入口で遮断中の接続元", en="Sources blocked at the edge"),
        asks=Text(ja="入口の遮断一覧を読む", en="Reads the edge's list of blocked sources"),
        facts=("blocked",),
        timeout_s=4,
        look=_look_at_blocks,
    ),
)  # fmt: skip
