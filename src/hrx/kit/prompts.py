"""Prompts as files: in both languages, with what is put in declared, and their content as their version."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import yaml

from hrx.kit.errors import Invalid, Language, Text

_PLACE: Final = re.compile(r"\{\{(\w+)\}\}")
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")


class PromptWrong(Invalid):
    """A prompt's file, or what is put into it, is not as declared."""

    code = "prompt.wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """`models`: registered models that it needs, by name."""

    name: str
    text: Text
    variables: frozenset[str]
    models: frozenset[str]

    @property
    def version(self) -> str:
        """Twelve digits of its content: any change is another version."""
        told = [self.name, self.text.ja, self.text.en, sorted(self.variables), sorted(self.models)]
        return hashlib.sha256(orjson.dumps(told)).hexdigest()[:12]

    def fill(self, language: Language, values: Mapping[str, str]) -> str:
        """The prompt with its values. What is put in is never read for places itself.

        Raises PromptWrong unless exactly the declared values are given."""
        if values.keys() != self.variables:
            raise _wrong(self.name, f"needs {', '.join(sorted(self.variables))}")
        return _PLACE.sub(lambda found: values[found[1]], self.text.in_language(language))


def load_prompts(folder: Path) -> dict[str, Prompt]:
    """By name, of the files NAME.yaml; none where there is no folder. Raises PromptWrong with the file."""
    if not folder.is_dir():
        return {}
    return {path.stem: _load(path) for path in sorted(folder.glob("*.yaml"))}


def _load(path: Path) -> Prompt:
    try:
        # `Any`: YAML has no types yet.
        told: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        made = Prompt(
            name=path.stem,
            text=Text(ja=str(told["text"]["ja"]), en=str(told["text"]["en"])),
            variables=frozenset(map(str, told["variables"])),
            models=frozenset(map(str, told["models"])),
        )
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise _wrong(path.name, f"cannot be read ({type(error).__name__}: {error})") from error
    if _NAME.fullmatch(made.name) is None:
        raise _wrong(path.name, "is no name of a prompt")
    for said in (made.text.ja, made.text.en):
        if frozenset(_PLACE.findall(said)) != made.variables:
            raise _wrong(path.name, "must have a place for each variable in both languages, and for no other")
    return made


def _wrong(where: str, what: str) -> PromptWrong:
    return PromptWrong(
        Text(ja=f"プロンプト {where}: {what}", en=f"Prompt {where} {what}"),
        hint=Text(ja="prompts/ のそのファイルを直してください。", en="Correct that file under prompts/."),
    )
