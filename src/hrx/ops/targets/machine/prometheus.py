"""Prometheus: its configuration out of monitoring/, and the list of what it scrapes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import Text, Unavailable
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.ports import Ports
from hrx.ops.targets.machine.tools import Tool

_CHECK_TIMEOUT_S = 30
#: How often a part is asked, in seconds, where not as often as monitoring/prometheus.yml says: exporters ask
#: a server of ours each time (measured: 20-50 ms for PostgreSQL). What rules promise within 12 s bears 4 s.
SCRAPE_INTERVALS_S: Final[Mapping[str, int]] = {"postgres-exporter": 4, "redis-exporter": 4}


def write_target(folder: Path, part: str, *, port: int, user: str | None) -> None:
    """One thing to scrape, whole or not at all. `user`: whoever Prometheus runs as. Raises OSError."""
    labels = {"part": part, "job": "hrx"}
    if part in SCRAPE_INTERVALS_S:
        interval = f"{SCRAPE_INTERVALS_S[part]}s"
        labels |= {"__scrape_interval__": interval, "__scrape_timeout__": "3s"}
    entry = [{"targets": [f"127.0.0.1:{port}"], "labels": labels}]
    draft = folder / f"{part}.new"
    draft.write_text(json.dumps(entry) + "\n")
    users.give_to(draft, user=user, mode=0o600)
    draft.replace(folder / f"{part}.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prometheus:
    """One Prometheus with its data below `folder`. `checker` is promtool, when there is one."""

    tool: Tool
    checker: Tool | None
    source: Path
    folder: Path
    ports: Ports
    user: str | None

    def prepare(self, *, scraped: Mapping[str, int]) -> None:
        """Write configuration, rules and targets (part name → port), and check them.

        Raises Unavailable with promtool's words when it refuses."""
        for name in ("rules", "targets", "data"):
            (self.folder / name).mkdir(exist_ok=True)
            users.give_to(self.folder / name, user=self.user, mode=0o700)
        for rules in (self.source / "rules").glob("*.yml"):
            shutil.copyfile(rules, self.folder / "rules" / rules.name)
            users.give_to(self.folder / "rules" / rules.name, user=self.user, mode=0o600)
        self.write_targets(scraped)
        config = self.folder / "prometheus.yml"
        config.write_text(self._render())
        users.give_to(config, user=self.user, mode=0o600)
        if self.checker is not None:
            argv = [str(self.checker.path), "check", "config", str(config)]
            done = users.run_as_user(argv, user=self.user, timeout_s=_CHECK_TIMEOUT_S)
            if done.returncode != 0:
                raise _refused("prometheus", done.stdout + done.stderr)

    def write_targets(self, scraped: Mapping[str, int]) -> None:
        """Tell Prometheus what to scrape from now on; it reads the folder again by itself."""
        folder = self.folder / "targets"
        for old in folder.glob("*.json"):
            if old.stem not in scraped:
                old.unlink()
        for part, port in scraped.items():
            write_target(folder, part, port=port, user=self.user)

    def argv(self) -> list[str]:
        """The foreground command. Rules resume after a restart within a second instead of ten minutes."""
        return [
            str(self.tool.path),
            f"--config.file={self.folder}/prometheus.yml",
            f"--storage.tsdb.path={self.folder}/data",
            "--storage.tsdb.retention.time=15d",
            "--storage.tsdb.retention.size=2GB",
            "--rules.alert.for-grace-period=1s",
            "--rules.alert.resend-delay=5s",
            f"--web.listen-address=127.0.0.1:{self.ports['prometheus']}",
            "--log.format=json",
            "--log.level=warn",
        ]

    def _render(self) -> str:
        return (
            (self.source / "prometheus.yml")
            .read_text()
            .replace("@rules@", str(self.folder / "rules"))
            .replace("@targets@", str(self.folder / "targets"))
            .replace("@alertmanager@", str(self.ports["alertmanager"]))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Alertmanager:
    """One Alertmanager with its data below `folder`. `checker` is amtool, when there is one."""

    tool: Tool
    checker: Tool | None
    source: Path
    folder: Path
    ports: Ports
    user: str | None

    def prepare(self, *, hook_token: str, direct: Mapping[str, str] | None = None) -> None:
        """Write configuration and what it signs in with, and check them.

        `direct` is file name → secret of the channels through which it tells people by itself."""
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        users.give_to(data, user=self.user, mode=0o700)
        if self.tool.share_dir is not None:
            _copy_readable(self.tool.share_dir, self.folder / "share", user=self.user)
        token_file, config = self.folder / "hook-token", self.folder / "alertmanager.yml"
        name = "alertmanager-production.yml" if direct else "alertmanager.yml"
        text = (self.source / name).read_text().replace("@secrets@", str(self.folder))
        text = text.replace("@ops_url@", f"http://127.0.0.1:{self.ports.ops}")
        text = text.replace("@ops@", str(self.ports.ops)).replace("@token_file@", str(token_file))
        secrets = [(self.folder / file, secret) for file, secret in (direct or {}).items()]
        for path, content in ((token_file, hook_token), *secrets, (config, text)):
            path.touch(mode=0o600)
            path.write_text(content)
            users.give_to(path, user=self.user, mode=0o600)
        if self.checker is not None:
            argv = [str(self.checker.path), "check-config", str(config)]
            done = users.run_as_user(argv, user=self.user, timeout_s=_CHECK_TIMEOUT_S)
            if done.returncode != 0:
                raise _refused("alertmanager", done.stderr + done.stdout)

    def argv(self) -> list[str]:
        """The foreground command; alone on its machine, so without the gossip port."""
        return [
            str(self.tool.path),
            f"--config.file={self.folder}/alertmanager.yml",
            f"--storage.path={self.folder}/data",
            "--data.retention=120h",
            "--cluster.listen-address=",
            f"--web.listen-address=127.0.0.1:{self.ports['alertmanager']}",
            "--log.format=json",
            "--log.level=warn",
        ]


def _copy_readable(source: Path, to: Path, *, user: str | None) -> None:
    """Copy a folder for `user`, replacing what was there."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(source, to)
    for path in (to, *to.rglob("*")):
        users.give_to(path, user=user, mode=0o700 if path.is_dir() else 0o600)


def _refused(name: str, said: str) -> Unavailable:
    said = said.strip()[-600:]
    return Unavailable(
        Text(
            ja=f"{name} の設定が受け付けられません: {said}",
            en=f"The configuration of {name} is refused: {said}",
        ),
        code=f"{name}.bad_config",
    )
