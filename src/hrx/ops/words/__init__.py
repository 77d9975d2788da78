"""The words for states, kinds and roles, in both languages; one place, so that pages and
commands agree."""

from __future__ import annotations

from typing import Final

from hrx.kit.errors import Text
from hrx.ops.words import acting, responding, states

_FAMILIES: Final[dict[str, dict[str, Text]]] = {
    **states.FAMILIES,
    **acting.FAMILIES,
    **responding.FAMILIES,
}
_COMMAND: Final = "machine:"


def find_actor(name: str) -> Text:
    """Who did something, as people say it; a person who typed a command is told from one who clicked."""
    if name.startswith(_COMMAND):
        who = name.removeprefix(_COMMAND)
        return Text(ja=f"{who}(コマンド)", en=f"{who} (command)")
    known = find("actor", name)
    # Whoever told of a signal writes what came of it.
    return known if known.ja != name else find("source", name)


def find(family: str, value: str) -> Text:
    """The word for a value; the value itself when a newer writer used one we do not know."""
    return _FAMILIES.get(family, {}).get(value, Text(ja=value, en=value))
