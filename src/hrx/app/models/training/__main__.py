"""`python -m hrx.app.models.training FOLDER`: train the model of skills, and say how good it is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import orjson

from hrx.app.models.training.fitting import fit, measure
from hrx.app.models.training.texts import make_examples
from hrx.app.models.training.writing import find_commit, write_draft


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m hrx.app.models.training", description=__doc__)
    parser.add_argument("folder", type=Path, help="where model.onnx and draft.json are written")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another set of texts")
    parser.add_argument("--texts", type=int, default=3_000, help="how many texts to learn from")
    parser.add_argument("--parent", default="", help="the version that this one is to follow")
    asked = parser.parse_args()
    fitted = fit(make_examples(asked.texts, seed=asked.seed))
    held_out = make_examples(max(200, asked.texts // 4), seed=asked.seed + 1_000_003)
    metrics = measure(fitted, held_out)
    lineage = {
        "data": f"generated, seed {asked.seed}, {asked.texts} texts",
        "commit": find_commit(Path(__file__).parent),
        "parent": asked.parent,
    }
    write_draft(asked.folder, fitted, metrics=metrics, lineage=lineage, examples=held_out)
    sys.stdout.write(orjson.dumps({"folder": str(asked.folder), **metrics}).decode() + "\n")


if __name__ == "__main__":
    main()
