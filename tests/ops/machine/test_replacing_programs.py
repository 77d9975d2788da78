"""One program of the supervisor's configuration starts from elsewhere; the others stay to the letter."""

from __future__ import annotations

from pathlib import Path

import pytest

from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.supervisor_config import Program, replace_program, write_config

pytestmark = pytest.mark.req("R3.1-1")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    found = Layout(root=tmp_path / "root", var=tmp_path / "var", user=None, tools=tmp_path / "tools")
    (found.run / "env").mkdir(parents=True)
    write_config(
        found,
        [
            Program(
                name="api-blue",
                argv=["/old/python", "-m", "hrx.app.api"],
                cwd=Path("/old"),
                environment={"HRX_COMMIT": "old", "HRX_SECRET": "with 'quote'"},
            ),
            Program(name="web-green", argv=["/usr/bin/node", "--heap=1", "/old/start.mjs"], cwd=Path("/old")),
            Program(name="worker", argv=["/old/python", "-m", "hrx.app.worker"], cwd=Path("/old")),
        ],
    )
    return found


def sections(layout: Layout) -> dict[str, str]:
    text = (layout.run / "supervisord.conf").read_text()
    return {part.partition("]")[0]: part for part in text.split("[program:")[1:]}


def test_python_and_its_folder_change_and_settings_stay(layout: Layout) -> None:
    before = sections(layout)
    assert replace_program(
        layout,
        "api-blue",
        argv=["/r2/python", "-m", "hrx.app.api"],
        cwd=Path("/r2/100%"),
        variables={"HRX_COMMIT": "new", "PYTHONPATH": "/r2/src"},
        fingerprint="r2",
    )
    after = sections(layout)
    assert after["api-blue"].splitlines()[1].endswith(" /r2/python -m hrx.app.api")
    assert "directory=/r2/100%%\n" in after["api-blue"]
    assert after["api-blue"] != before["api-blue"]
    assert {name: after[name] for name in ("web-green", "worker")} == {
        name: before[name] for name in ("web-green", "worker")
    }
    kept = (layout.run / "env" / "api-blue.env").read_text()
    assert "HRX_COMMIT=new\n" in kept
    assert "PYTHONPATH=/r2/src\n" in kept
    assert """HRX_SECRET='with '"'"'quote'"'"''\n""" in kept
    # Back again, as it was but for the digest.
    replace_program(
        layout,
        "api-blue",
        argv=["/old/python", "-m", "hrx.app.api"],
        cwd=Path("/old"),
        variables={"HRX_COMMIT": "old"},
        fingerprint="",
        without=("PYTHONPATH",),
    )
    assert sections(layout) == before


def test_how_node_is_started_stays(layout: Layout) -> None:
    assert replace_program(
        layout, "web-green", argv=["/r2/start.mjs"], cwd=Path("/r2"), variables={}, fingerprint="r2"
    )
    assert " /usr/bin/node --heap=1 /r2/start.mjs\n" in sections(layout)["web-green"]


def test_a_program_that_is_not_there_is_told(layout: Layout) -> None:
    before = sections(layout)
    assert not replace_program(
        layout, "api", argv=["x", "y"], cwd=Path("/x"), variables={}, fingerprint=""
    ), "a name that is the beginning of another"
    assert sections(layout) == before
