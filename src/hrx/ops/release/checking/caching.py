"""Views that the version before left in the cache: thrown away by name, and nothing else.

A view is kept under the commit whose code made it, so the new version never reads an old one; what is left
only takes room until its time is over. Other things in Redis, such as counts of visitors, stay untouched."""

from __future__ import annotations

from typing import Any, Final

import orjson

from hrx.kit.errors import Text
from hrx.ops.release.checking.results import Bench, Checked, failed, not_checked, passed
from hrx.ops.seams.http import HttpSeam
from hrx.ops.seams.looking import LookFailed
from hrx.ops.seams.redis import clear_keys

#: How the product names its views; the commit follows (a test holds the two to each other).
VIEWS: Final = "hrx:view:"
_TODO: Final = Text(
    ja="Redis と API が応答してから `hrx release check cache-clear` をもう一度",
    en="`hrx release check cache-clear` again when Redis and the API answer",
)


def check_cache_clear(bench: Bench) -> Checked:
    """Views of every version but the one that answers now are gone, observed afterwards."""
    if bench.settings.redis_url is None:
        return passed("Redis を使っていないため、消すものはありません", "No Redis is used: nothing to clear")
    try:
        live = _ask_commit(bench)
        done = clear_keys(
            bench.settings.redis_url.get_secret_value(),
            prefix=VIEWS,
            but=f"{VIEWS}{live}:",
            timeout_s=bench.settings.look_timeout_s,
        )
    except LookFailed as error:
        return not_checked(error.why, todo=_TODO)
    if done.left:
        return failed(
            f"{live} 以外の版のビューが {done.left} 件残っています",
            f"{done.left} views of versions other than {live} are still there",
        )
    if not done.removed:
        return passed(
            f"消すものはありません({live} のビュー {done.kept} 件)",
            f"Nothing to clear: every view is of {live} ({done.kept})",
        )
    return passed(
        f"前の版のビュー {done.removed} 件を消しました({live} の {done.kept} 件は残る)",
        f"{done.removed} views of former versions cleared; {done.kept} of {live} kept",
    )


def _ask_commit(bench: Bench) -> str:
    """The commit that answers people now. Raises LookFailed."""
    http = HttpSeam(timeout_s=bench.settings.smoke_timeout_s)
    try:
        page = http.get_page(f"{bench.settings.edge_url.rstrip('/')}/version")
    finally:
        http.close()
    try:
        # `Any`: a body of elsewhere.
        told: Any = orjson.loads(page.text)
        return str(told["commit"])
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        said = f"/version: HTTP {page.status_code}"
        raise LookFailed(Text(ja=said, en=said)) from error
