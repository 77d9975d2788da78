"""The plane killed at random moments of escalations: how many pages were lost, and how many came twice."""

from __future__ import annotations

import secrets
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.crashing import LIFE_S, ROUNDS, SLOWEST_S, STEP_S, kill_again_and_again
from benchmarks.figures import Figure, Section


def measure_paging_crash(*, kills: int) -> Section:
    """`kills` processes, each killed with SIGKILL at a random moment; one incident of severity 1 for each."""
    seed = secrets.randbelow(2**31)
    with tempfile.TemporaryDirectory() as folder:
        outcome = kill_again_and_again(Path(folder), kills=kills, seed=seed)
    spread = Counter(outcome.deliveries.values())
    return Section(
        name="Paging through kills",
        notes=(
            f"seed {seed}; steps of {STEP_S} s, {ROUNDS} rounds of 3; the receiver answers within "
            f"{SLOWEST_S} s; a process lives at most {LIFE_S} s; took {outcome.took_s:.0f} s",
        ),
        figures=[
            Figure(what="kills", value=outcome.kills, unit=""),
            Figure(what="deliveries under way at a kill", value=outcome.under_way_at_kills, unit="kills"),
            Figure(what="incidents", value=outcome.incidents, unit=""),
            Figure(what="pages", value=outcome.pages, unit=""),
            Figure(what="lost", value=len(outcome.lost), unit="pages", raw={"lost": outcome.lost}),
            Figure(what="sent once", value=spread[1], unit="pages"),
            Figure(what="sent twice", value=spread[2], unit="pages"),
            Figure(what="sent more often", value=sum(spread[n] for n in spread if n > 2), unit="pages"),
            Figure(what="went by the next way, two senders dead", value=outcome.by_next_way, unit="pages"),
            Figure(what="given up, reached by another way", value=outcome.spared, unit="pages"),
        ],
    )
