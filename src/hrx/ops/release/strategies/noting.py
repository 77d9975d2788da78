"""What the ledger is told of a rollout."""

from __future__ import annotations

from hrx.ops.ledger.entries import Kind, Ledger
from hrx.ops.release.gating.judging import Verdict
from hrx.ops.release.strategies.progress import Progress


def note_rollout(ledger: Ledger, progress: Progress, *, actor: str, asked: Verdict | None = None) -> None:
    """How it stands now, and what `actor` asks for, where it is not done yet. Raises Unavailable when the
    ledger cannot be written."""
    rollout = progress.rollout
    wish = {"asked": asked.value} if asked is not None else {}
    ledger.append(
        Kind.ROLLOUT,
        actor=actor,
        subject=f"release:{rollout.release_id}",
        body={
            "rollout": rollout.id,
            "strategy": rollout.strategy.value,
            "slot": rollout.new.value,
            "stand": progress.stand.value,
            "reason": progress.reason.value if progress.reason else "",
            "step": progress.step,
            "bad_answers": round(progress.total_harm, 1),
            **wish,
        },
    )
