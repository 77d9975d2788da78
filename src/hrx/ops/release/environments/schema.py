"""The one list of names: every setting of every plane, and every secret that this house makes or needs.

The product's settings are asked of the product as a process: this plane never imports it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from hrx.kit.errors import Text, Unavailable
from hrx.kit.settings import SettingDoc, document
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.secrets import GENERATED
from hrx.ops.targets.machine.settings import MachineSettings

_PRODUCT_TIMEOUT_S: Final = 60


class Plane(StrEnum):
    """Whose setting it is."""

    APPLICATION = "application"
    WEB = "web"
    OPERATIONS = "operations"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSetting:
    """One name. `is_required` holds for the planes that read it; `default` is None for a secret."""

    name: str
    planes: frozenset[Plane]
    is_secret: bool
    is_required: bool
    default: str | None
    example: str
    unit: str


#: Read by programs that declare no settings class: the web's server and the migrations.
_OTHERS: Final = (
    KnownSetting(
        name="HRX_OWNER_DATABASE_URL",
        planes=frozenset({Plane.MACHINE}),
        is_secret=True,
        is_required=False,
        default=None,
        example="postgresql+psycopg://hrx_owner:…@db.example/hrx",
        unit="URL",
    ),
    *(
        KnownSetting(
            name=name,
            planes=frozenset({Plane.WEB}),
            is_secret=False,
            is_required=name == "HRX_API_URL",
            default=default,
            example="",
            unit=unit,
        )
        for name, default, unit in (
            ("HRX_API_URL", None, "URL"),
            ("HRX_WEB_PORT", "8111", "port"),
            ("HRX_WEB_HOST", "127.0.0.1", "IP address"),
            ("HRX_WEB_METRICS_PORT", None, "port"),
            ("HRX_WEB_KEPT_FOLDER", None, ""),
        )
    ),
)


@cache
def list_known() -> tuple[KnownSetting, ...]:
    """Every name once, sorted; one that several planes read names them all.

    Costs one start of the product (about 1 s), once a process. Raises Unavailable when it does not answer."""
    found = _gather(ask_product())
    return tuple(found[name] for name in sorted(found))


def list_known_to(product: Sequence[SettingDoc]) -> dict[str, KnownSetting]:
    """The same by name, with the application's as another release declares them.

    What that release dropped stays known and is required no more."""
    found = _gather(product)
    for known in list_known():
        found.setdefault(known.name, replace(known, is_required=False))
    return found


def find_known(name: str) -> KnownSetting | None:
    """The setting of that name; None for a name that nothing declares."""
    return next((known for known in list_known() if known.name == name), None)


def ask_product(*, python: str = sys.executable, folder: Path | None = None) -> list[SettingDoc]:
    """The product's own settings, printed by itself; by another release's `python` in its folder of code.

    Raises Unavailable."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    try:
        done = subprocess.run(
            [python, "-m", "hrx.app.settings"],
            cwd=folder,
            env=None if folder is None else {**kept, "PYTHONPATH": str(folder / "src")},
            capture_output=True,
            text=True,
            timeout=_PRODUCT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _silent(type(error).__name__) from error
    if done.returncode != 0:
        raise _silent(done.stderr[-300:])
    return [SettingDoc(**row) for row in json.loads(done.stdout)]


def _gather(product: Sequence[SettingDoc]) -> dict[str, KnownSetting]:
    found: dict[str, KnownSetting] = {}
    declared = (
        (Plane.APPLICATION, product),
        (Plane.OPERATIONS, document(OpsSettings)),
        (Plane.MACHINE, document(MachineSettings)),
    )
    for plane, rows in declared:
        for row in rows:
            _add(found, _from_doc(row, plane))
    for name in GENERATED:
        _add(found, _made_here(name))
    for other in _OTHERS:
        _add(found, other)
    return found


def _add(found: dict[str, KnownSetting], new: KnownSetting) -> None:
    """A name of several planes is a secret, or required, when it is so for any of them."""
    old = found.get(new.name)
    found[new.name] = (
        new
        if old is None
        else KnownSetting(
            name=new.name,
            planes=old.planes | new.planes,
            is_secret=old.is_secret or new.is_secret,
            is_required=old.is_required or new.is_required,
            default=old.default if old.default is not None else new.default,
            example=old.example or new.example,
            unit=old.unit or new.unit,
        )
    )


def _from_doc(row: SettingDoc, plane: Plane) -> KnownSetting:
    return KnownSetting(
        name=row.variable,
        planes=frozenset({plane}),
        is_secret=row.is_secret,
        is_required=row.is_required,
        default=row.default,
        example=row.example,
        unit=row.unit,
    )


def _made_here(name: str) -> KnownSetting:
    """A secret that `make up` makes: other places are given theirs, so that it is required nowhere."""
    return KnownSetting(
        name=name,
        planes=frozenset({Plane.MACHINE}),
        is_secret=True,
        is_required=False,
        default=None,
        example="",
        unit="secret",
    )


def _silent(said: str) -> Unavailable:
    return Unavailable(
        Text(ja="製品の設定を読み出せません。", en="The product does not tell its settings."),
        hint=Text(ja=said, en=said),
        code="settings.product_silent",
    )
