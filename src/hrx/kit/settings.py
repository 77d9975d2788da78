"""What a setting is: typed, with a unit, an explanation in both languages, and never a default for a secret.

Each plane declares one frozen class deriving from `Settings`; the reference page and `.env.example` are
generated from these classes, so that a setting that exists is a setting that is documented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings, SettingsConfigDict

from hrx.kit.errors import FieldProblem, Invalid, Text

ENV_PREFIX = "HRX_"
S = TypeVar("S", bound="Settings")


class Settings(BaseSettings):
    """Base of a plane's settings: read once in `main` from HRX_*, then passed down, never global."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, frozen=True, extra="ignore", env_file=None, case_sensitive=False
    )


def setting(default: Any = ..., *, ja: str, en: str, unit: str = "", example: str = "", **limits: Any) -> Any:
    """Declare one setting. `unit` is s, ms, bytes, ratio, URL …; `limits` are Pydantic's (ge, le, pattern).

    `Any` because this stands where Pydantic's own `Field` would: the annotation decides the type."""
    return Field(
        default,
        description=en,
        json_schema_extra={"ja": ja, "unit": unit, "example": example},
        **limits,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingDoc:
    """One row of the settings reference."""

    variable: str
    type_name: str
    unit: str
    default: str | None
    is_secret: bool
    is_required: bool
    ja: str
    en: str
    example: str


def document(settings_class: type[Settings]) -> list[SettingDoc]:
    """The settings of one plane in declaration order; a default that is a secret cannot occur."""
    return [_document_field(name, field) for name, field in settings_class.model_fields.items()]


def _document_field(name: str, field: FieldInfo) -> SettingDoc:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    is_secret = "SecretStr" in str(field.annotation)
    is_required = field.default is PydanticUndefined
    default = None if is_required or is_secret or field.default is None else str(field.default)
    return SettingDoc(
        variable=ENV_PREFIX + name.upper(),
        type_name=getattr(field.annotation, "__name__", str(field.annotation)),
        unit=str(extra.get("unit", "")),
        default=default,
        is_secret=is_secret,
        is_required=is_required,
        ja=str(extra.get("ja", "")),
        en=field.description or "",
        example=str(extra.get("example", "")),
    )


def load(settings_class: type[S]) -> S:
    """The plane's settings from the environment.

    Raises Invalid naming every wrong variable, never its value: it may be a secret."""
    try:
        return settings_class()
    except ValidationError as error:
        problems = tuple(
            FieldProblem(
                field=ENV_PREFIX + str(item["loc"][0]).upper(),
                code=str(item["type"]),
                message=Text(ja=str(item["msg"]), en=str(item["msg"])),
            )
            for item in error.errors(include_input=False, include_url=False)
        )
        names = ", ".join(sorted({problem.field for problem in problems}))
        raise Invalid(
            Text(ja=f"設定に誤りがあります: {names}", en=f"Settings are missing or wrong: {names}"),
            hint=Text(
                ja="docs/settings.md を見て直し、`make up` をもう一度実行してください。",
                en="See docs/settings.md, correct them, then run `make up` again.",
            ),
            code="settings.invalid",
            fields=problems,
        ) from None


def to_environment(settings: Settings) -> dict[str, str]:
    """The HRX_* variables from which a process that we start reads exactly these settings."""
    found: dict[str, str] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if value is not None:
            said = value.get_secret_value() if isinstance(value, SecretStr) else value
            found[ENV_PREFIX + name.upper()] = str(said)
    return found


__all__ = [
    "ENV_PREFIX",
    "SecretStr",
    "SettingDoc",
    "Settings",
    "document",
    "load",
    "setting",
    "to_environment",
]
