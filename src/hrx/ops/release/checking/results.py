"""The answer of one check, and the words it is told in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hrx.kit.errors import Text
from hrx.ops.ledger.entries import Ledger
from hrx.ops.release.releases import Outcome, Release
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import Layout

Tell = Callable[[Text], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """`findings` are plain values, for a table and for JSON alike."""

    outcome: Outcome
    detail: Text
    findings: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a check may look at. `release` None: whatever this checkout is. `ledger` is there for those
    that change something, on behalf of `actor`."""

    layout: Layout
    settings: OpsSettings
    release: Release | None
    tell: Tell
    ledger: Ledger | None = None
    actor: str = ""

    @property
    def folder(self) -> Path:
        """Logs and copies of the checks."""
        return self.settings.var_dir / "checks"

    @property
    def tree(self) -> Path:
        """The sources looked at: the release's own, else the checkout's."""
        code = self.settings.var_dir / "releases" / self.release.id / "code" if self.release else None
        return code if code is not None and code.is_dir() else self.layout.root


def passed(ja: str, en: str, *, findings: tuple[Mapping[str, object], ...] = ()) -> Checked:
    return Checked(outcome=Outcome.PASSED, detail=Text(ja=ja, en=en), findings=findings)


def failed(ja: str, en: str, *, findings: tuple[Mapping[str, object], ...] = ()) -> Checked:
    return Checked(outcome=Outcome.FAILED, detail=Text(ja=ja, en=en), findings=findings)


def not_checked(why: Text, *, todo: Text, findings: tuple[Mapping[str, object], ...] = ()) -> Checked:
    """Nothing is known; `todo` is what would make it known."""
    return Checked(
        outcome=Outcome.NOT_CHECKED,
        detail=Text(ja=f"{why.ja}。→ {todo.ja}", en=f"{why.en}. → {todo.en}"),
        findings=findings,
    )
