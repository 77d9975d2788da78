"""Running promtool on documents in a folder of their own."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hrx.kit.errors import Text, Unavailable
from hrx.ops.observe.rules.rule_files import groups_of, to_yaml
from hrx.ops.runbook.watch.rules import AlertRule
from hrx.ops.runbook.watch.slos import Slo

_TIMEOUT_S: Final = 120
_RULES: Final = "rules.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What promtool said."""

    passed: bool
    said: str


class Promtool:
    """The program, wherever this machine has it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def test(self, rules: Sequence[AlertRule], *, slos: Sequence[Slo], tests: Mapping[str, Any]) -> Verdict:
        """Test these rules alone. `tests` must name its rule file `rules.yml`. `Any`: promtool's document."""
        with tempfile.TemporaryDirectory(prefix="hrx-rules-") as folder:
            (Path(folder) / _RULES).write_text(to_yaml(groups_of(rules, slos=slos)))
            (Path(folder) / "tests.yml").write_text(to_yaml(tests))
            return self.run("test", "rules", "tests.yml", cwd=Path(folder))

    def run(self, *arguments: str, cwd: Path) -> Verdict:
        """One run of it. Raises Unavailable when it cannot be run or does not end."""
        try:
            done = subprocess.run(
                [str(self._path), *arguments],
                cwd=cwd,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(
                Text(ja=f"promtool を実行できません: {error}", en=f"promtool cannot be run: {error}"),
                hint=Text(ja="`make up` が取り寄せます。", en="`make up` fetches it."),
                code="rules.no_promtool",
            ) from error
        return Verdict(passed=done.returncode == 0, said=done.stdout + done.stderr)


def moments_in(said: str, alert: str) -> list[int]:
    """The seconds at which promtool found this alert firing against expectation."""
    return [_to_seconds(found) for found in re.findall(rf"alertname: {alert}, time: ([0-9hms.d]+)", said)]


def _to_seconds(text: str) -> int:
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([dhms])", text))
