"""The help of every command in Japanese, keyed by the English that stands in the code: one file a noun.

A help text without its Japanese is found by a test, not by an operator."""

from __future__ import annotations

import importlib
import pkgutil


def load_japanese() -> dict[str, str]:
    """English → Japanese, of the files of this folder together."""
    return {english: ja for words in load_files().values() for english, ja in words.items()}


def load_files() -> dict[str, dict[str, str]]:
    """File → what it says; a noun's file has the noun's name, with `_` for `-`."""
    names = [found.name for found in pkgutil.iter_modules(__path__)]
    return {name: dict(importlib.import_module(f"{__name__}.{name}").HELP) for name in names}
