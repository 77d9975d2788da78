"""The tests of a release's own code, really run on the schema of another: in a database of their own that is
gone afterwards. What they show is kept, and the planner of roll-backs rests on it.

A test that fails on the release's own schema as well says nothing about the other one, so each that failed is
run there too before it counts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import Refused, Text, Unavailable
from hrx.kit.secrets import mask_text
from hrx.ops.release.building.sources import export
from hrx.ops.release.proofs import ProofShelf
from hrx.ops.release.releases import Component, Release

#: What tells the tests whose migrations to build their database from (tests/conftest.py reads it).
SCHEMA_OF: Final = "HRX_TEST_SCHEMA_OF"
#: Near the database and quick on two cores: people and their history, who may see what, sign-in, the queue.
NEAR_THE_DATABASE: Final = (
    "tests/app/people/test_bitemporal.py",
    "tests/app/people/test_records.py",
    "tests/app/people/test_access.py",
    "tests/app/people/test_refusals.py",
    "tests/app/identity/test_sessions.py",
    "tests/app/identity/test_users.py",
    "tests/app/platform/test_jobs.py",
)
_WITHIN_S: Final = 1800.0
_CONFTEST: Final = Path("tests") / "conftest.py"
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (\S+?::\S+)", re.MULTILINE)
_COUNTED: Final = re.compile(r"^(?=.*\b(?:passed|failed|error)).* in [\d.]+s.*$", re.MULTILINE)
#: pytest's own: everything passed, and some test failed. Anything else is no answer.
_ALL_PASSED, _SOME_FAILED = 0, 1


class TestsNotRun(Unavailable):
    """The tests could not be run, so nothing was shown."""

    code = "release.tests_not_run"
    #: Not one of pytest's.
    __test__ = False


class TestsTooOld(Refused):
    """The release's tests do not know how to take another schema."""

    code = "release.tests_too_old"
    __test__ = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """`failed`: tests that fail on the other schema and pass on their own; `unclear`: those that fail on
    both. `said`: pytest's own last line."""

    code: str
    revision: str
    passed: bool
    failed: tuple[str, ...]
    unclear: tuple[str, ...]
    said: str


def prove_code_on_schema(
    root: Path,
    shelf: ProofShelf,
    *,
    code: Release,
    schema: Release,
    tests: Sequence[str] = NEAR_THE_DATABASE,
    tell: Callable[[Text], None],
) -> Proven:
    """Run `code`'s tests on `schema`'s tables and keep what they show. `root` is a checkout with both commits
    and the tools of the tests. Takes minutes; touches nothing that runs.

    Raises TestsTooOld, TestsNotRun (also where every failure happens on the own schema too), Unavailable."""
    revision = schema.find_version(Component.SCHEMA) or ""
    with tempfile.TemporaryDirectory(prefix="hrx-proof-") as folder:
        own, other = Path(folder) / "code", Path(folder) / "schema"
        for release, place in ((code, own), (schema, other)):
            export(root, release.commit, place)
        _require_willing(own, code)
        wanted = [one for one in tests if (own / one.partition("::")[0]).exists()]
        tell(Text(ja=f"{code.id} のテストを {revision} の表で", en=f"tests of {code.id} on {revision}"))
        status, said = _run(own, wanted, schema_of=other)
        failed = _list_failed(status, said)
        unclear: tuple[str, ...] = ()
        if failed:
            tell(Text(ja="失敗したものを自分の表でも", en="those that failed, on its own tables too"))
            status, again = _run(own, failed, schema_of=own)
            unclear = _list_failed(status, again)
    sure = tuple(one for one in failed if one not in unclear)
    if unclear and not sure:
        raise _not_run(Text(ja="自分の表でも失敗します", en="they fail on its own tables too"), said)
    proven = Proven(
        code=code.id,
        revision=revision,
        passed=not sure,
        failed=sure,
        unclear=unclear,
        said=next(iter(reversed(_COUNTED.findall(said))), ""),
    )
    shelf.keep_tests(code.id, revision, passed=proven.passed)
    return proven


def _require_willing(own: Path, code: Release) -> None:
    path = own / _CONFTEST
    if not path.exists() or SCHEMA_OF not in path.read_text():
        raise TestsTooOld(
            Text(
                ja=f"{code.id} のテストは、別のスキーマで動かす方法を知りません",
                en=f"The tests of {code.id} do not know how to take another schema",
            ),
            hint=Text(
                ja="これより新しいリリース同士で試せます。",
                en="It can be done for releases made from now on.",
            ),
        )


def _run(own: Path, tests: Sequence[str], *, schema_of: Path) -> tuple[int, str]:
    """Pytest's exit code, and the end of what it said."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
            cwd=own,
            env={**os.environ, "PYTHONPATH": str(own / "src"), SCHEMA_OF: str(schema_of)},
            capture_output=True,
            text=True,
            timeout=_WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise _not_run(Text(ja=str(error), en=str(error)), "") from error
    return done.returncode, f"{done.stdout}\n{done.stderr}"


def _list_failed(status: int, said: str) -> tuple[str, ...]:
    """The tests that failed. Raises TestsNotRun when pytest gave no answer."""
    if status == _ALL_PASSED:
        return ()
    found = tuple(dict.fromkeys(_FAILED.findall(said)))
    if status != _SOME_FAILED or not found:
        raise _not_run(Text(ja=f"終了コード {status}", en=f"exit code {status}"), said)
    return found


def _not_run(why: Text, said: str) -> TestsNotRun:
    tail = mask_text(said.strip())[-400:]
    return TestsNotRun(
        Text(
            ja=f"テストを実行できず、何も確かめられませんでした({why.ja}): {tail}",
            en=f"The tests could not be run, so nothing was shown ({why.en}): {tail}",
        ),
        hint=Text(
            ja="テストの道具は `python3 deploy/bootstrap.py --dev --no-web` で入ります。",
            en="Their tools come with `python3 deploy/bootstrap.py --dev --no-web`.",
        ),
    )
