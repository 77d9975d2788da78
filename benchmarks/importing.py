"""Importing 10,000 people with their history: upload, check and commit, by the API and the worker."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.crowds import Reader, make_crowd, open_app, sign_in
from benchmarks.figures import IMPORT_ROWS_PER_S, Figure, Section
from benchmarks.servers import ROOT, House, running_api, running_worker
from hrx.app.demo.loading import provide_tenant
from hrx.app.platform.tenancy import Role

_PEOPLE: Final = 10_000
_ROUNDS: Final = 3
#: A question costs CPU that the import may then lack; browsers ask less, for they are told by events.
_POLL_S: Final = 0.05
_GIVE_UP_AFTER_S: Final = 300.0


async def measure_import(house: House) -> Section:
    """The product's own export of a crowd, history and all, imported into empty tenants."""
    crowd = await make_crowd(house, people=_PEOPLE)
    timings: list[dict[str, float]] = []
    with running_api(house) as api, running_worker(house):
        url = f"http://127.0.0.1:{api.port}/api/v1"
        content = await _export(url, crowd.hr)
        rows = content.count(b"\n") - 1
        for number in range(_ROUNDS):
            reader = await _new_tenant(house, slug=f"import-{number}")
            timings.append(await _import(url, reader, content))
    totals = sorted(sum(stages.values()) for stages in timings)
    median_s = totals[len(totals) // 2]
    return Section(
        name=f"import: {_PEOPLE:,} people with history, {rows:,} rows of CSV ({len(content) / 1e6:.1f} MB)",
        notes=("From the first byte uploaded to the commit; nobody's thinking time between the steps.",),
        figures=[
            Figure(
                what="end to end",
                value=rows / median_s,
                unit="rows/s",
                aim=IMPORT_ROWS_PER_S,
                raw={"rows": rows, "rounds": timings},
            ),
            Figure(what="end to end", value=median_s, unit="s"),
            *(
                Figure(what=stage, value=sorted(t[stage] for t in timings)[_ROUNDS // 2], unit="s")
                for stage in timings[0]
            ),
        ],
    )


async def _export(url: str, reader: Reader) -> bytes:
    async with httpx.AsyncClient(timeout=120, trust_env=False, headers=reader.headers) as client:
        answer = await client.get(f"{url}/exports/people.csv", params={"scope": "history"})
        answer.raise_for_status()
        return answer.content


async def _new_tenant(house: House, *, slug: str) -> Reader:
    async with open_app(house.settings) as app:
        tenant_id = await provide_tenant(app.state.parts.database, slug=slug, name="取り込み計測")
        return await sign_in(app, tenant_id=tenant_id, role=Role.HR)


async def _import(url: str, reader: Reader, content: bytes) -> dict[str, float]:
    """Seconds of every step."""
    stages: dict[str, float] = {}
    async with httpx.AsyncClient(timeout=120, trust_env=False, headers=reader.headers) as client:
        started = time.perf_counter()
        answer = await client.post(f"{url}/imports", files={"file": ("people.csv", content)})
        found = answer.raise_for_status().json()
        mapping = {
            "mapping": found["mapping"],
            "may_create_units": True,
            "may_create_positions": True,
        }
        path = f"{url}/imports/{found['id']}"
        (await client.put(f"{path}/mapping", json=mapping)).raise_for_status()
        stages["upload and mapping"] = time.perf_counter() - started
        for step, state in (("check", "checked"), ("commit", "committed")):
            begun = time.perf_counter()
            (await client.post(f"{path}/{step}", json={})).raise_for_status()
            await _wait_for(client, path, state=state)
            stages[step] = time.perf_counter() - begun
    return stages


async def _wait_for(client: httpx.AsyncClient, path: str, *, state: str) -> None:
    deadline = time.perf_counter() + _GIVE_UP_AFTER_S
    while time.perf_counter() < deadline:
        found: dict[str, Any] = (await client.get(path)).raise_for_status().json()
        if found["counts"]["error"] or found["problem"]:
            errors = (await client.get(f"{path}/rows", params={"only": "errors", "limit": 3})).json()
            raise RuntimeError(f"the import is not clean: {found['counts']} {found['problem']} {errors}")
        if found["state"] == state:
            return
        await asyncio.sleep(_POLL_S)
    raise RuntimeError(f"the import did not get {state} within {_GIVE_UP_AFTER_S:g} s")


def measure_employees_10k(house: House, *, folder: Path) -> Section:
    """The official sample by its own adapter; source rows are people, department spells and titles."""
    done = subprocess.run(
        [sys.executable, "-m", "hrx.app.people.employees.importing.employees_10k", "load", str(folder)],
        cwd=ROOT,
        env=house.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    said = next(line for line in done.stdout.splitlines() if "source rows/s" in line)
    elapsed_s, rows_per_s = said.split(" s, ")[0], said.split(" s, ")[1].split()[0]
    return Section(
        name="official load: 10,000 employees",
        figures=[
            Figure(
                what="files to commit",
                value=float(rows_per_s.replace(",", "")),
                unit="rows/s",
                aim=IMPORT_ROWS_PER_S,
                raw={"said": done.stdout},
            ),
            Figure(what="files to commit", value=float(elapsed_s), unit="s"),
        ],
    )
