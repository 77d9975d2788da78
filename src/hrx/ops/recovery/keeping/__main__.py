"""The keeper of the backups as a process: `python -m hrx.ops.recovery.keeping`."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from typing import Final

from hrx.kit import log
from hrx.kit.door import PartDoor
from hrx.kit.errors import HrxError
from hrx.kit.metrics import new_registry
from hrx.kit.settings import load
from hrx.ops.recovery.duties import list_side_duties
from hrx.ops.recovery.keeping.database import list_database_duties
from hrx.ops.recovery.keeping.working import Worker, failing
from hrx.ops.recovery.site import open_site
from hrx.ops.settings import OpsSettings

_log = logging.getLogger("hrx.ops.recovery")
#: The supervisor waits 30 s; the last shipping comes after it.
_ENDS_WITHIN_S: Final = 20.0
_LOOKS_EVERY_S: Final = 0.5


class Keeper:
    """The duties and the door. Without a readable key it stands, says so, and tries again."""

    def __init__(self, settings: OpsSettings) -> None:
        self._site = open_site(settings)
        self._ends = threading.Event()
        self._workers: list[Worker] = []
        self._shut_out: str | None = "not started"

    def degraded(self) -> list[str]:
        """What does not work now, each by its name."""
        found = failing(self._workers)
        if self._shut_out:
            found = {**found, "keys": self._shut_out}
        return [f"{name}: {why}" for name, why in found.items()]

    def stop(self) -> None:
        self._ends.set()

    def work(self) -> None:
        """Until told to stop; then what was received is shipped once more."""
        while not self._ends.is_set() and not self._start():
            self._ends.wait(5)
        # Not one long wait: a signal that the kernel gives to another thread wakes nobody up here.
        while not self._ends.wait(_LOOKS_EVERY_S):
            pass
        for worker in self._workers:
            worker.ask_to_end()
        for worker in self._workers:
            worker.join(_ENDS_WITHIN_S if worker.state.name == "ship" else 0.1)
        for worker in self._workers:
            if worker.state.name == "ship":
                worker.run_once()

    def _start(self) -> bool:
        try:
            duties = [*list_database_duties(self._site), *list_side_duties(self._site)]
        except HrxError as error:
            if self._shut_out != error.message.en:
                _log.error("no duty can begin: %s", error.message.en)
            self._shut_out = error.message.en
            return False
        self._shut_out = None
        self._workers = [Worker(duty) for duty in duties]
        for worker in self._workers:
            worker.start()
        return True


def main() -> None:
    """Keep until told to stop."""
    try:
        settings = load(OpsSettings)
        log.configure(process="backup", level=settings.log_level)
        keeper = Keeper(settings)
    except HrxError as error:
        print(f"✗ {error.message.en}" + (f"\n  → {error.hint.en}" if error.hint else ""), file=sys.stderr)
        sys.exit(1)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: keeper.stop())
    door = PartDoor(
        port=settings.backup_port, registry=new_registry(), degraded=keeper.degraded, commit=settings.commit
    )
    door.open()
    keeper.work()
    door.close()


if __name__ == "__main__":
    main()
