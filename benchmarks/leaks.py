"""How many planted secrets are found, how often something harmless is reported, and how long it takes.

Other people's installed packages are the hard decoys: what is reported there is counted, not judged."""

from __future__ import annotations

import secrets
import statistics
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.figures import Aim, Figure, Section
from benchmarks.leaks_corpus import Sample, make_corpus
from benchmarks.servers import ROOT
from hrx.ops.release.environments.fingerprints import FingerprintKey
from hrx.ops.release.leaks.judging import find_candidates
from hrx.ops.release.leaks.places import MAX_BYTES, Piece, PlaceKind, read_build, read_history, read_tree
from hrx.ops.release.leaks.scanning import ScanReport, scan

_SEEDS: Final = range(20)
_ROUNDS: Final = 3
_SOURCES: Final = frozenset({".py", ".md", ".txt", ".json", ".js", ".yaml", ".toml", ".ini", ".html"})
_ALL: Final = Aim(bound=100, is_lower_bound=True, unit="%")
_NONE: Final = Aim(bound=0, is_lower_bound=False)
_FIVE_S: Final = Aim(bound=5, is_lower_bound=False, unit="s")


def measure_leaks() -> Section:
    """Recall and false alarms on the corpus, and seconds for this repository's tree and history."""
    key = FingerprintKey(secrets.token_bytes(32))
    samples = [sample for seed in _SEEDS for sample in make_corpus(seed)]
    planted = [sample for sample in samples if sample.secret]
    decoys = [sample for sample in samples if sample.secret is None]
    found = sum(_finds(sample) for sample in planted)
    false = sum(any(find_candidates(sample.text.encode())) for sample in decoys)
    tree = [scan(read_tree(ROOT), key=key) for _ in range(_ROUNDS)]
    history = [scan(read_history(ROOT, refs="HEAD"), key=key) for _ in range(_ROUNDS)]
    others = scan(_read_packages(Path(sysconfig.get_path("purelib"))), key=key)
    figures = [
        Figure(what="planted secrets found", value=100 * found / len(planted), unit="%", aim=_ALL),
        Figure(what="false alarms on decoys", value=false, unit="", aim=_NONE),
        _seconds("this tree", tree),
        _seconds("this history (HEAD)", history),
        Figure(
            what="reported in this tree and history",
            value=len(tree[0].leaks) + len(history[0].leaks),
            unit="",
        ),
        Figure(what="reported in others' packages", value=len(others.leaks), unit=""),
        Figure(what="size of those packages", value=others.size_bytes / 1024**2, unit="MiB"),
    ]
    build = ROOT / "web" / ".next"
    if build.exists():
        figures.append(_seconds("what browsers are sent", [scan(read_build(build), key=key)]))
    kinds = len(planted) // len(_SEEDS), len(decoys) // len(_SEEDS)
    size = history[0].size_bytes / 1024**2
    return Section(
        name="Leaks",
        notes=(
            f"{kinds[0]} planted kinds, {kinds[1]} decoys, {len(_SEEDS)} draws of each, made anew each run",
            f"history: {history[0].pieces:,} versions of files, {size:.1f} MiB; medians of {_ROUNDS}",
        ),
        figures=figures,
    )


def _finds(sample: Sample) -> bool:
    """Whether what is reported is what was planted (a private key is reported by its first lines)."""
    wanted = (sample.secret or "").encode()
    values = [candidate.value for candidate in find_candidates(sample.text.encode())]
    return any(value in wanted or wanted[:40] in value for value in values)


def _seconds(what: str, reports: list[ScanReport]) -> Figure:
    taken = [report.seconds for report in reports]
    return Figure(what=what, value=statistics.median(taken), unit="s", aim=_FIVE_S, raw={"s": taken})


def _read_packages(folder: Path) -> Iterator[Piece]:
    for path in folder.rglob("*"):
        if path.suffix in _SOURCES and path.is_file() and path.stat().st_size <= MAX_BYTES:
            yield Piece(kind=PlaceKind.TREE, path=str(path.relative_to(folder)), data=path.read_bytes())
