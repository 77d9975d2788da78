"""What was shown about releases after they were built: whose tests pass on which schema, and which
migrations were taken up, down and up again. One small file each; the newest word replaces an older one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from hrx.kit import clock

_FOLDER: Final = "_proofs"


@dataclass(frozen=True, slots=True, kw_only=True)
class WayDownProof:
    """Up → down → up was run on rows. `keeps`: columns whose values survived although their name or type
    changes; `loses`: columns whose values did not, besides those that the way down drops."""

    revision: str
    keeps: frozenset[str] = frozenset()
    loses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ProofShelf:
    """The proofs of a folder of releases (usually `var/releases`)."""

    folder: Path

    def keep_tests(self, release_id: str, revision: str, *, passed: bool) -> None:
        """The own tests of `release_id` passed, or failed, on the schema of `revision`."""
        body = {"release": release_id, "revision": revision, "passed": passed}
        self._write(f"tests-{release_id}@{revision}", body)

    def keep_way_down(self, proof: WayDownProof) -> None:
        """A migration was taken up, down and up again, and its rows were looked at."""
        body = {
            "revision": proof.revision,
            "keeps": sorted(proof.keeps),
            "loses": sorted(proof.loses),
        }
        self._write(f"down-{proof.revision}", body)

    def list_tests(self) -> dict[tuple[str, str], bool]:
        """By release and revision: whether its own tests passed there."""
        return {(one["release"], one["revision"]): bool(one["passed"]) for one in self._read("tests-")}

    def list_ways_down(self) -> dict[str, WayDownProof]:
        """By revision."""
        return {
            one["revision"]: WayDownProof(
                revision=one["revision"], keeps=frozenset(one["keeps"]), loses=frozenset(one["loses"])
            )
            for one in self._read("down-")
        }

    def _write(self, name: str, body: Mapping[str, object]) -> None:
        home = self.folder / _FOLDER
        home.mkdir(parents=True, exist_ok=True)
        draft = home / f".{name}.{secrets.token_hex(4)}.new"
        with draft.open("wb") as file:
            file.write(orjson.dumps({**body, "at": clock.now().isoformat()}))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(home / f"{name}.json")

    # `Any`: it is stored JSON.
    def _read(self, prefix: str) -> list[dict[str, Any]]:
        home = self.folder / _FOLDER
        found = []
        for path in sorted(home.glob(f"{prefix}*.json")) if home.is_dir() else []:
            try:
                found.append(orjson.loads(path.read_bytes()))
            except orjson.JSONDecodeError:
                # A proof that cannot be read proves nothing.
                continue
        return found
