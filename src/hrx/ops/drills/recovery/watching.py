"""What a drill measures while it goes: who noticed and when, when a verified copy ran, and what it lacked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import httpx

from hrx.kit import clock
from hrx.kit.errors import HrxError, Text, Unavailable
from hrx.ops.drills.recovery.experiments import RecoveryExperiment
from hrx.ops.drills.recovery.outcomes import Witness
from hrx.ops.drills.recovery.scratch import Scratch, wait_until
from hrx.ops.drills.recovery.writing import Loss, read_numbers
from hrx.ops.recovery import copies
from hrx.ops.recovery.copies import CopyFacts
from hrx.ops.recovery.previewing import preview_restore
from hrx.ops.recovery.records import ship
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.standing import read_standing
from hrx.ops.recovery.targets import FindMoment
from hrx.ops.recovery.troubles import list_troubles

_POLL_S: Final = 0.1
_DOOR_S: Final = 5.0
_RESTORE_S: Final = 1800.0


@dataclass(kw_only=True)
class Watch:
    """The measures of one drill; filled as it goes, told as far as it came."""

    experiment: RecoveryExperiment
    fault_at_s: float | None = None
    noticed_by: str | None = None
    detect_s: float | None = None
    rto_s: float | None = None
    loss: Loss | None = None
    is_verified: bool = False
    #: Where it is not the writer who wrote.
    written: int | None = None
    witnesses: list[Witness] = field(default_factory=list)

    def fault(self) -> None:
        """Now it is put in: everything counts from here."""
        self.fault_at_s = clock.monotonic_s()

    @property
    def since_fault_s(self) -> float:
        if self.fault_at_s is None:
            raise ValueError("no fault was put in")
        return round(clock.monotonic_s() - self.fault_at_s, 3)

    def hear(self, code: str, said: Text) -> None:
        """Somebody spoke up; the first one that the experiment expects is who noticed."""
        self.witnesses.append(Witness(code=code, ja=said.ja, en=said.en))
        if self.detect_s is None and code in self.experiment.noticed_by:
            self.noticed_by, self.detect_s = code, self.since_fault_s

    def hear_refusal(self, error: HrxError) -> None:
        self.hear(error.stable_code, error.message)

    def expect_refusal(self, attempt: Callable[[], object]) -> None:
        """What must be refused by name. Raises Unavailable when it is not."""
        try:
            attempt()
        except HrxError as error:
            self.hear_refusal(error)
            return
        raise Unavailable(
            Text(ja="拒むべきことが通りました", en="What must be refused was done"), code="drill.not_refused"
        )

    def wait_for_trouble(self, site: Site, *codes: str, within_s: float = 60.0) -> None:
        """Until `hrx recover status` and the alert rules would tell one of these. Raises Unavailable."""
        never = threading.Event()
        deadline = clock.monotonic_s() + within_s
        while clock.monotonic_s() < deadline:
            for one in list_troubles(read_standing(site)):
                if one.code in codes:
                    self.hear(one.code, one.said)
                    return
            never.wait(_POLL_S)
        raise Unavailable(
            Text(
                ja=f"{within_s:g} 秒のうちに誰も気づきませんでした({'、'.join(codes)})",
                en=f"Nobody noticed within {within_s:g} s ({', '.join(codes)})",
            ),
            code="drill.unnoticed",
        )

    def wait_for_duty(self, site: Site, duty: str, *, within_s: float) -> None:
        """Until the keeper's door says that this duty fails; heard as `duty:NAME`. Raises Unavailable."""
        url = f"http://127.0.0.1:{site.settings.backup_port}/readyz"

        def fails() -> bool:
            lost = httpx.get(url, timeout=_DOOR_S).json()["degraded"]
            for one in lost:
                if one.startswith(f"{duty}:"):
                    self.hear(f"duty:{duty}", Text(ja=one, en=one))
                    return True
            return False

        wait_until(fails, what="the keeper's duty", within_s=within_s)

    def restore(self, site: Site, said: str, *, find_moment: FindMoment | None = None) -> CopyFacts:
        """As `hrx recover restore --to SAID` does it, to the last check; a well copy ends the clock."""
        ship(site.vault, site.received_dir)
        seen = preview_restore(site, said, find_moment=find_moment or _know_nothing)
        facts = copies.restore_copy(
            site, seen.plan, seen.meant, name="drill", said=said, timeout_s=_RESTORE_S
        )
        self.is_verified = facts.is_well
        if facts.is_well:
            self.rto_s = self.since_fault_s
        for one in facts.findings:
            if not one["is_well"]:
                self.hear(str(one["code"]), Text(**one["said"]))
        return facts


def _know_nothing(_what: str, _name: str) -> datetime | None:
    return None


def read_copy(scratch: Scratch, site: Site | None = None) -> set[int]:
    """The writer's rows in the restored copy."""
    with copies.opened_copy(site or scratch.site, "drill") as session:
        return read_numbers(session)
