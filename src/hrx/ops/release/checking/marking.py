"""A release as a vertical line where people look at figures: the console's panels, and Grafana where there is
one. Harmless to repeat: a mark that is there is not made again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx

from hrx.kit.errors import Text
from hrx.kit.secrets import mask_text
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind, Ledger
from hrx.ops.release.checking.results import Bench, Checked, failed, not_checked, passed
from hrx.ops.release.releases import Environment, Release
from hrx.ops.release.store import ReleaseStore

_PATH: Final = "/api/annotations"
_TODO: Final = Text(ja="`hrx release deploy` のあとに", en="after `hrx release deploy`")


class GrafanaRefused(Exception):
    """It did not take the mark, or could not be asked."""


def check_mark(bench: Bench) -> Checked:
    """The release that is live here is marked in every place that shows figures. Raises Unavailable."""
    release = bench.release or _find_live(bench)
    if release is None or bench.ledger is None:
        return not_checked(Text(ja="公開中のリリースがありません", en="no release is live here"), todo=_TODO)
    entry = _ensure_noted(bench.ledger, release, actor=bench.actor)
    at = entry.at.astimezone()
    url = bench.settings.grafana_url
    if url is None:
        return passed(
            f"{release.id}: コンソールの図に {at:%m-%d %H:%M} の印。Grafana は未設定(HRX_GRAFANA_URL)",
            f"{release.id}: marked on the console's panels at {at:%m-%d %H:%M}; no Grafana is set "
            "(HRX_GRAFANA_URL)",
        )
    try:
        is_new = _mark_grafana(bench, url.rstrip("/"), release, at_ms=int(entry.at.timestamp() * 1000))
    except GrafanaRefused as error:
        return failed(
            f"{release.id}: コンソールには印があります。Grafana は受け取りません: {error}",
            f"{release.id}: marked on the console's panels, but Grafana did not take it: {error}",
        )
    return passed(
        f"{release.id}: コンソールと Grafana に {at:%m-%d %H:%M} の印({'新規' if is_new else '既存'})",
        f"{release.id}: marked on the console's panels and in Grafana at {at:%m-%d %H:%M} "
        f"({'made now' if is_new else 'was there'})",
    )


def _find_live(bench: Bench) -> Release | None:
    store = ReleaseStore(bench.settings.var_dir / "releases")
    live = store.look(Environment(bench.settings.environment)).live
    return store.find(live) if live is not None else None


def _ensure_noted(ledger: Ledger, release: Release, *, actor: str) -> Entry:
    """The entry by which it came to people; one of our own where somebody else brought it."""
    subject = f"release:{release.id}"
    found = ledger.list_entries(EntryFilter(kinds=(Kind.ROLLOUT,), subject=subject), limit=50)
    # Newest first: a release that came, went and came again is marked where it came last.
    known = next((one for one in found if one.body.get("stand") == "promoted"), None)
    if known is not None:
        return known
    body = {"rollout": "", "stand": "promoted", "commit": release.commit[:12]}
    return ledger.append(Kind.ROLLOUT, actor=actor, subject=subject, body=body)


def _mark_grafana(bench: Bench, url: str, release: Release, *, at_ms: int) -> bool:
    """Whether it was made now. Raises GrafanaRefused unless Grafana shows it afterwards."""
    token = bench.settings.grafana_token
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token is not None else {}
    tags = ["hrx", "release", bench.settings.environment, release.id]
    with httpx.Client(
        base_url=url, headers=headers, timeout=bench.settings.smoke_timeout_s, trust_env=False
    ) as client:
        if _is_there(client, tags, at_ms=at_ms):
            return False
        text = f"HRX-AI {release.id} ({release.version}, {release.commit[:12]})"
        _call(client, "POST", json={"time": at_ms, "tags": tags, "text": text})
        if not _is_there(client, tags, at_ms=at_ms):
            raise GrafanaRefused("it does not show the annotation")
    return True


def _is_there(client: httpx.Client, tags: list[str], *, at_ms: int) -> bool:
    found = _call(client, "GET", params={"tags": tags, "from": at_ms, "to": at_ms, "type": "annotation"})
    return isinstance(found, list) and any(one.get("time") == at_ms for one in found)


# `Any`: a body of elsewhere.
def _call(client: httpx.Client, method: str, **given: Any) -> Any:
    try:
        answer = client.request(method, _PATH, **given)
        if answer.status_code >= 300:
            raise GrafanaRefused(f"HTTP {answer.status_code} {_say(answer)}")
        return answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise GrafanaRefused(mask_text(f"{type(error).__name__} {error}"[:200])) from error


def _say(answer: httpx.Response) -> str:
    try:
        told: Mapping[str, Any] = answer.json()
        return mask_text(str(told.get("message", ""))[:160])
    except (ValueError, AttributeError):
        return ""
