"""Whether the settings of an environment are fit for a release, asked before anything of it is placed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from hrx.kit.errors import Refused, Text
from hrx.kit.settings import SettingDoc
from hrx.ops.release.environments.looking import Desk, look_everywhere
from hrx.ops.release.environments.matrix import SettingFinding
from hrx.ops.release.environments.schema import list_known_to
from hrx.ops.release.releases import Environment

_NAMED: Final = 5


class SettingsNotReady(Refused):
    """Something serious is wrong with the settings of the environment that the release would come to."""

    code = "release.settings_not_ready"


def check_settings(
    desk: Desk,
    environment: Environment,
    *,
    product: Sequence[SettingDoc] | None = None,
    names: Collection[str] | None = None,
) -> tuple[Text, ...]:
    """Raise unless the settings are fit; gives what could not be looked at, for the record.

    `product` is what the release itself declares, where it differs from what runs here; with `names` only
    those count, which is for a place that runs one service. Raises SettingsNotReady naming what is wrong,
    or what the environment's own source raises: what cannot be seen is not fit. Another environment that is
    silent stops nothing."""
    known = desk.known if product is None else list_known_to(product)
    matrix = look_everywhere(replace(desk, known=known))
    if environment in matrix.silent:
        raise matrix.silent[environment]
    serious = [one for one in matrix.list_serious(environment) if names is None or one.name in names]
    if serious:
        raise SettingsNotReady(_say(environment, serious), hint=_hint(serious))
    return tuple(
        Text(ja=f"{other}: {error.message.ja}", en=f"{other}: {error.message.en}")
        for other, error in matrix.silent.items()
    )


def _say(environment: Environment, serious: Sequence[SettingFinding]) -> Text:
    shown = serious[:_NAMED]
    rest = len(serious) - len(shown)
    return Text(
        ja=f"{environment} の設定がリリースできる状態ではありません: "
        + "、".join(f"{one.name} は{one.says.ja}" for one in shown)
        + (f"(ほか {rest} 件)" if rest else ""),
        en=f"The settings of {environment} are not fit for a release: "
        + "; ".join(f"{one.name} {one.says.en}" for one in shown)
        + (f" (and {rest} more)" if rest else ""),
    )


def _hint(serious: Sequence[SettingFinding]) -> Text:
    return Text(
        ja="直してからもう一度。すべては `hrx settings matrix`、秘密の交換は "
        f"`hrx settings rotate {serious[0].name}` で分かります。",
        en="Put it right and try again. `hrx settings matrix` shows all; "
        f"`hrx settings rotate {serious[0].name}` says how a secret is replaced.",
    )
