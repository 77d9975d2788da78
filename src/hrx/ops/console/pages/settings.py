"""The settings in use: every one with its unit and meaning; of a secret only whether it is set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response

from hrx.kit.errors import HrxError, Text
from hrx.kit.secrets import mask_text
from hrx.kit.settings import ENV_PREFIX, SecretStr, document
from hrx.ops.console.desk import Visit, needs
from hrx.ops.console.settings_views import show_matrix
from hrx.ops.operators.roles import Permission
from hrx.ops.settings import OpsSettings

router: Final = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """One setting as shown. `value` is None for a secret."""

    variable: str
    meaning: Text
    unit: str
    value: str | None
    is_secret: bool
    is_set: bool
    is_default: bool


@router.get("/settings")
def show_settings(visit: Annotated[Visit, Depends(needs(Permission.LOOK))]) -> Response:
    return visit.page("settings.html", setting_rows=list_rows(visit.desk.plane.settings))


@router.get("/settings/environments")
def show_environments(
    visit: Annotated[Visit, Depends(needs(Permission.LOOK))],
    everything: Annotated[bool, Query(alias="all")] = False,
) -> Response:
    """Every environment that can be seen; a place that does not answer is told on the page."""
    view, broken = None, None
    try:
        view = show_matrix(visit.desk.plane.settings)
    except HrxError as error:
        broken = error
    return visit.page("environments.html", view=view, broken=broken, everything=everything)


def list_rows(settings: OpsSettings) -> list[SettingRow]:
    """Every setting of this plane with its value now."""
    rows = []
    for doc in document(OpsSettings):
        value = getattr(settings, doc.variable.removeprefix(ENV_PREFIX).lower())
        is_secret = doc.is_secret or isinstance(value, SecretStr)
        shown = None if is_secret or value is None else mask_text(str(value))
        rows.append(
            SettingRow(
                variable=doc.variable,
                meaning=Text(ja=doc.ja, en=doc.en),
                unit=doc.unit,
                value=shown,
                is_secret=is_secret,
                is_set=value is not None,
                is_default=str(value) == str(doc.default) or (value is None and doc.default is None),
            )
        )
    return rows
