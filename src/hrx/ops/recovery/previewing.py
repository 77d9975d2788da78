"""What a restore would mean: the moment, the last transaction kept, what is used, how long it takes.

Only reads: change records that were not shipped yet are seen when whoever asks has shipped them."""

from __future__ import annotations

from dataclasses import dataclass

from hrx.ops.recovery.forecasting import forecast_plan
from hrx.ops.recovery.planning import RestorePlan, plan_restore
from hrx.ops.recovery.proofs import list_proofs
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.stock import read_stock
from hrx.ops.recovery.targets import FindMoment, Meant, understand


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """`expected_s`: None before any restore was measured on this machine."""

    meant: Meant
    plan: RestorePlan
    expected_s: float | None

    @property
    def stored_bytes(self) -> int:
        """What has to be read of base backups."""
        return sum(one.stored_bytes for one in self.plan.chain)

    @property
    def record_files(self) -> int:
        """Files of change records that are replayed, with the one that is being received."""
        return len(self.plan.segments) + (self.plan.tail is not None)


def preview_restore(site: Site, said: str, *, find_moment: FindMoment) -> Preview:
    """Raises Invalid and NotFound for what names no moment, NotRestorable, KeyFileUnreadable,
    PlaceUnavailable."""
    stock = read_stock(site)
    meant = understand(site, stock, said, find_moment=find_moment)
    plan = plan_restore(stock, target=meant.target)
    forecast = forecast_plan(plan, list_proofs(site.folder))
    return Preview(meant=meant, plan=plan, expected_s=forecast.seconds if forecast else None)


def needs_ledger(said: str) -> bool:
    """Whether only the ledger knows the moment: before a deploy, an incident, a migration."""
    return said.strip().startswith("before") and "transaction" not in said
