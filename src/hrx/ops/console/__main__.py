"""The console as a process: `python -m hrx.ops.console`."""

from __future__ import annotations

import sys

import uvicorn

from hrx.kit import log
from hrx.kit.errors import HrxError
from hrx.kit.settings import load
from hrx.ops.console.app import build_console
from hrx.ops.console.duties import make_watcher
from hrx.ops.run.plane import opened_plane
from hrx.ops.settings import OpsSettings


def main() -> None:
    """Serve until told to stop."""
    try:
        settings = load(OpsSettings)
        log.configure(process="ops", level=settings.log_level)
        with opened_plane(settings) as plane:
            app = build_console(plane, make_watcher(plane))
            uvicorn.run(
                app,
                host=settings.ops_bind,
                port=settings.ops_port,
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=True,
                timeout_graceful_shutdown=5,
                # Nothing stands before this door; a forwarded address would be somebody's claim.
                proxy_headers=False,
            )
    except HrxError as error:
        print(f"✗ {error.message.en}" + (f"\n  → {error.hint.en}" if error.hint else ""), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
