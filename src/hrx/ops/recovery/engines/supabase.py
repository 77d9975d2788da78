"""Point-in-time recovery of a database that Supabase runs, by its published Management API (v1).

The provider keeps the backups, and nobody sees their files: nothing can be restored beside the living system,
so nothing can be proven. What is told is the provider's word, and is called that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from hrx.kit.errors import Refused, Text, Unavailable
from hrx.kit.secrets import mask_text
from hrx.kit.settings import SecretStr
from hrx.ops.recovery.planning import NotRestorable, Target

URL: Final = "https://api.supabase.com"
_LIMITS: Final = httpx.Timeout(15.0, connect=5.0)


class ProviderUnavailable(Unavailable):
    """The provider's API did not answer, or refused."""

    code = "recovery.provider_unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedBackup:
    """One that the provider took. `status` is its word: COMPLETED, FAILED, PENDING, …"""

    taken_at: datetime
    status: str
    is_physical: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """What the provider says. Every second from `begin` to `end` can be brought back; None: none can."""

    region: str
    has_pitr: bool
    begin: datetime | None
    end: datetime | None
    backups: tuple[ManagedBackup, ...]


class Supabase:
    """`project` is the project's reference. The token needs to read the database's backups, and, to restore,
    to write them."""

    def __init__(self, project: str, *, token: SecretStr, url: str = URL) -> None:
        self.project = project
        self._backups = f"{url.rstrip('/')}/v1/projects/{project}/database/backups"
        self._client = httpx.Client(
            timeout=_LIMITS,
            trust_env=False,
            follow_redirects=False,
            headers={"Authorization": f"Bearer {token.get_secret_value()}"},
        )

    def read(self) -> Managed:
        """Raises ProviderUnavailable."""
        told = self._call("GET", self._backups)
        try:
            window = told.get("physical_backup_data") or {}
            return Managed(
                region=str(told["region"]),
                has_pitr=bool(told["pitr_enabled"]),
                begin=_moment(window.get("earliest_physical_backup_date_unix")),
                end=_moment(window.get("latest_physical_backup_date_unix")),
                backups=tuple(
                    ManagedBackup(
                        taken_at=datetime.fromisoformat(one["inserted_at"]),
                        status=str(one["status"]),
                        is_physical=bool(one["is_physical_backup"]),
                    )
                    for one in sorted(told["backups"], key=lambda one: str(one["inserted_at"]))
                ),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._unavailable(f"an answer of another kind ({type(error).__name__})") from error

    # `Any`: the answer is JSON.
    def _call(self, method: str, url: str) -> Any:
        try:
            answer = self._client.request(method, url)
            told = answer.json() if answer.content else {}
        except (httpx.HTTPError, ValueError, OSError) as error:
            raise self._unavailable(type(error).__name__) from error
        if answer.is_error:
            said = told.get("message") if isinstance(told, dict) else None
            raise self._unavailable(mask_text(str(said or ""))[:200] or f"HTTP {answer.status_code}")
        return told

    def _unavailable(self, said: str) -> ProviderUnavailable:
        return ProviderUnavailable(
            Text(ja=f"Supabase が答えません: {said}", en=f"Supabase does not answer: {said}"),
            hint=Text(
                ja="HRX_SUPABASE_PROJECT と HRX_SUPABASE_TOKEN を確かめます。"
                "提供者の状況は status.supabase.com で見ます。",
                en="See to HRX_SUPABASE_PROJECT and HRX_SUPABASE_TOKEN; its state is on status.supabase.com.",
            ),
        )


def require_restorable(managed: Managed, target: Target) -> datetime:
    """The second that the provider can be asked for. Raises NotRestorable, Refused."""
    if not managed.has_pitr or managed.begin is None or managed.end is None:
        raise NotRestorable(
            Text(
                ja="このプロジェクトでは任意の時点への復元(PITR)が有効ではありません",
                en="Point-in-time recovery is not switched on for this project",
            ),
            hint=Text(
                ja="Supabase の Add-ons で有効にします。毎日のバックアップへは管理画面から戻せます。",
                en="Switch it on among Supabase's add-ons. Daily backups are restored from its dashboard.",
            ),
        )
    if target.lsn is not None:
        raise Refused(
            Text(
                ja="Supabase は位置や取引では戻せません。時刻だけです",
                en="Supabase restores to no position and no transaction, to times alone",
            ),
            hint=Text(ja="`--to` に時刻を指定します。", en="Name a time with `--to`."),
            code="recovery.engine_cannot",
        )
    moment = (target.time or managed.end).replace(microsecond=0)
    if not managed.begin <= moment <= managed.end:
        raise NotRestorable(
            Text(
                ja=f"その時点へは戻せません。戻せるのは {managed.begin:%Y-%m-%d %H:%M:%S} から "
                f"{managed.end:%Y-%m-%d %H:%M:%S} まで(UTC)です",
                en=f"Not restorable: the provider reaches from {managed.begin:%Y-%m-%d %H:%M:%S} to "
                f"{managed.end:%Y-%m-%d %H:%M:%S} UTC",
            ),
            hint=Text(ja="その間の時刻を `--to` で選びます。", en="Choose a time between them with `--to`."),
        )
    return moment


def _moment(at_s: object) -> datetime | None:
    return datetime.fromtimestamp(at_s, tz=UTC) if isinstance(at_s, int | float) and at_s > 0 else None
