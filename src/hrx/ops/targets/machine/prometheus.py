"""Prometheus: its configuration out of monitoring/, and the list of what it scrapes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hrx.kit.errors import Text, Unavailable
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.ports import Ports
from hrx.ops.targets.machine.tools import Tool

_CHECK_TIMEOUT_S = 30
#: Exporters ask a server of ours each time they are asked (measured: 20-50 ms for PostgreSQL); nothing that
#: they tell is needed within seconds.
_INTERVALS = {"postgres-exporter": "10s", "redis-exporter": "10s"}


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
            labels = {"part": part, "job": "hrx"}
            if part in _INTERVALS:
                labels |= {"__scrape_interval__": _INTERVALS[part], "__scrape_timeout__": "5s"}
            entry = [{"targets": [f"127.0.0.1:{port}"], "labels": labels}]
            draft = folder / f"{part}.new"
            draft.write_text(json.dumps(entry) + "\n")
            users.give_to(draft, user=self.user, mode=0o600)
            draft.replace(folder / f"{part}.json")

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

    def prepare(self, *, hook_token: str) -> None:
        """Write configuration and the token it signs in with, and check them."""
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        users.give_to(data, user=self.user, mode=0o700)
        if self.tool.share_dir is not None:
            _copy_readable(self.tool.share_dir, self.folder / "share", user=self.user)
        token_file, config = self.folder / "hook-token", self.folder / "alertmanager.yml"
        text = (self.source / "alertmanager.yml").read_text()
        text = text.replace("@ops@", str(self.ports.ops)).replace("@token_file@", str(token_file))
        for path, content in ((token_file, hook_token), (config, text)):
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
