"""An API whose part that scores runs beside it, with a model of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
import pytest_asyncio
from fastapi import FastAPI

from hrx.app.models.client import ScoringClient
from hrx.app.models.training.fitting import fit
from hrx.app.models.training.texts import make_examples
from hrx.app.models.training.writing import write_draft
from hrx.kit.models.records import Alias, Draft, Golden
from tests.app.models.serving import PATIENCE_S, ServingProcess, serving
from tests.ops.release.models.making import make_registry


@dataclass(frozen=True, slots=True)
class Scored:
    """An API, the process that it asks, and the version that is live there."""

    app: FastAPI
    process: ServingProcess
    version: str


def train(folder: Path, *, seed: int = 3) -> Draft:
    write_draft(
        folder,
        fit(make_examples(300, seed=seed)),
        metrics={"f1": 0.9},
        lineage={"data": "generated", "commit": "0" * 40, "parent": ""},
        examples=make_examples(40, seed=4),
    )
    told = orjson.loads((folder / "draft.json").read_bytes())
    golden = tuple(Golden(row=tuple(one["row"]), answer=tuple(one["answer"])) for one in told.pop("golden"))
    return Draft(
        content=(folder / "model.onnx").read_bytes(),
        golden=golden,
        labels=tuple(told.pop("labels")),
        **told,
    )


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServingProcess]:
    folder = tmp_path_factory.mktemp("skills")
    with serving(make_registry(folder), folder, starts=False, HRX_SCORING_MODELS="skills") as made:
        yield made


@pytest.fixture(scope="module")
def version(process: ServingProcess) -> str:
    registry, signer = process.held
    made = registry.register(train(process.folder / "draft"), signer=signer, by="x").version
    registry.move("skills", Alias.LIVE, to=made, signer=signer, by="x", reason="")
    process.start()
    return made


@pytest_asyncio.fixture
async def scored(app: FastAPI, process: ServingProcess, version: str) -> AsyncIterator[Scored]:
    before = app.state.scoring
    app.state.scoring = ScoringClient(process.socket, timeout_s=PATIENCE_S)
    yield Scored(app, process, version)
    await app.state.scoring.close()
    app.state.scoring = before
