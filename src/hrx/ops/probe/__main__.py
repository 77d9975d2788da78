"""The probe as a process: `python -m hrx.ops.probe`."""

from __future__ import annotations

import signal
import sys
from typing import Final

from hrx.kit import log
from hrx.kit.door import PartDoor
from hrx.kit.errors import HrxError
from hrx.kit.secrets import newest
from hrx.kit.settings import load
from hrx.ops.observe.standby import extra_targets_path, standby_path
from hrx.ops.probe.calling import Caller
from hrx.ops.probe.delivering import make_delivery
from hrx.ops.probe.figures import make_registry
from hrx.ops.probe.probing import Probe, Rhythm
from hrx.ops.probe.reporting import Reporter
from hrx.ops.probe.targets import list_targets
from hrx.ops.settings import OpsSettings

#: A whole start takes about ten seconds on a small machine.
_START_GRACE_S: Final = 20.0


def build_probe(settings: OpsSettings) -> Probe:
    """The probe of these settings, not yet started."""
    token = settings.ops_hook_token
    standby = standby_path(settings.var_dir)
    return Probe(
        list_targets(settings),
        rhythm=Rhythm(
            every_s=settings.probe_interval_s,
            timeout_s=settings.probe_timeout_s,
            silence_s=settings.probe_silence_s,
            grace_s=_START_GRACE_S,
        ),
        reporter=Reporter(
            url=settings.ops_url.rstrip("/") + "/hooks/signals",
            token=newest(token.get_secret_value()) if token else None,
        ),
        caller=Caller(standby=standby, deliver=make_delivery(settings)),
        state_file=standby.with_name("watch.json"),
        extra_file=extra_targets_path(settings.var_dir),
        var_dir=settings.var_dir,
    )


def main() -> None:
    """Look until told to stop."""
    try:
        settings = load(OpsSettings)
        log.configure(process="probe", level=settings.log_level)
        probe = build_probe(settings)
    except HrxError as error:
        print(f"✗ {error.message.en}" + (f"\n  → {error.hint.en}" if error.hint else ""), file=sys.stderr)
        sys.exit(1)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: probe.stop())
    door = PartDoor(
        port=settings.probe_port,
        registry=make_registry(probe.newest),
        degraded=probe.late,
        commit=settings.commit,
    )
    door.open()
    probe.start()
    probe.wait()
    door.close()


if __name__ == "__main__":
    main()
