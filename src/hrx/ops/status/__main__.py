"""The status page as a process: `python -m hrx.ops.status`."""

from __future__ import annotations

import sys

import uvicorn

from hrx.kit import log
from hrx.kit.errors import HrxError
from hrx.kit.settings import load
from hrx.ops.settings import OpsSettings
from hrx.ops.status.serving import StatusPage


def main() -> None:
    """Serve until told to stop."""
    try:
        settings = load(OpsSettings)
    except HrxError as error:
        print(f"✗ {error.message.en}" + (f"\n  → {error.hint.en}" if error.hint else ""), file=sys.stderr)
        sys.exit(1)
    log.configure(process="status", level=settings.log_level)
    uvicorn.run(
        StatusPage(settings.var_dir.resolve() / "status" / "public", commit=settings.commit),
        host=settings.status_bind,
        port=settings.status_port,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        http="h11",
        loop="asyncio",
        ws="none",
        proxy_headers=False,
        limit_concurrency=200,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()
