"""What a vendor's service is told before a release: values from the environment's own source, by name.

Nothing is kept or shown; what is missing is said before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hrx.kit.errors import Refused, Text
from hrx.kit.settings import SecretStr
from hrx.ops.release.environments.pushing import Service, list_pushable
from hrx.ops.release.environments.source import Source
from hrx.ops.release.releases import Environment
from hrx.ops.targets.releasing import SettingValue
from hrx.ops.targets.vendors import API_PORT

#: Which of our services a vendor's project runs; a status page is told nothing.
SERVICES: Final[Mapping[str, Service]] = {
    "railway": Service.API,
    "fly": Service.API,
    "vercel": Service.WEB,
}
#: Where a container listens: its platform's proxy comes from outside of it. `PORT` is where Railway asks.
_LISTENS: Final = {
    "HRX_API_BIND": "0.0.0.0",  # noqa: S104 - the platform's own proxy is the only way in
    "HRX_API_PORT": str(API_PORT),
    "PORT": str(API_PORT),
}


def collect_settings(
    target: str, source: Source | None, *, environment: Environment
) -> dict[str, SettingValue]:
    """Name → value for this target's service; empty for a target that is told nothing.

    Raises Refused when a required one is missing or no source is named, and what the source raises."""
    service = SERVICES.get(target)
    if service is None:
        return {}
    if source is None:
        raise Refused(
            Text(
                ja=f"{environment.value} の設定の置き場所が決まっていません。",
                en=f"Nobody said where the settings of {environment.value} are.",
            ),
            hint=Text(
                ja=f"HRX_SETTINGS_{environment.value.upper()} を設定してください。",
                en=f"Set HRX_SETTINGS_{environment.value.upper()}.",
            ),
            code="release.no_settings_source",
        )
    values = source.read().values
    wanted = list_pushable(environment, service=service)
    missing = [one.name for one in wanted if one.is_required and one.name not in values]
    if missing:
        listed = ", ".join(missing)
        raise Refused(
            Text(ja=f"必須の設定がありません: {listed}", en=f"Required settings are missing: {listed}"),
            hint=Text(ja=f"{source.says} に加えてください。", en=f"Add them to {source.says}."),
            code="release.settings_missing",
        )
    found = {
        one.name: SettingValue(value=SecretStr(values[one.name]), is_secret=one.is_secret)
        for one in wanted
        if one.name in values
    }
    if service is Service.API:
        found |= {
            name: SettingValue(value=SecretStr(value), is_secret=False) for name, value in _LISTENS.items()
        }
    return found
