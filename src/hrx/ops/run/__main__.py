"""One run as a process of its own, so that it outlives the console that started it (which it may restart)."""

from __future__ import annotations

import argparse
import logging
import sys

from hrx.kit import log
from hrx.kit.errors import HrxError
from hrx.kit.settings import load
from hrx.ops.operators.accounts import get_operator
from hrx.ops.operators.roles import Actor
from hrx.ops.run.executor import close_run, resume_run, run_plan
from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.settings import OpsSettings

_log = logging.getLogger("hrx.ops.run")


def main() -> None:
    """`python -m hrx.ops.run start|resume|close …`; started by the console, recorded in the ledger."""
    arguments = _read_arguments()
    settings = load(OpsSettings)
    log.configure(process="ops-run", level=settings.log_level, stream=sys.stderr)
    log.correlation_id.set(arguments.correlation_id)
    with opened_plane(settings) as plane:
        try:
            _do(plane, arguments)
        except HrxError as error:
            # A refusal is in the ledger; anything earlier is told by whoever started this process.
            fields = {"code": error.stable_code, "run_id": arguments.run_id, "message": error.message.en}
            _log.warning("run.not_started", extra={"fields": fields})
            sys.exit(1)


def _do(plane: Plane, arguments: argparse.Namespace) -> None:
    found = get_operator(plane.ledger, arguments.operator)
    actor = Actor(name=found.name, role=found.role, is_operator=True)
    if arguments.verb == "start":
        run_plan(plane, arguments.plan, actor=actor, run_id=arguments.run_id)
    elif arguments.verb == "resume":
        resume_run(plane, arguments.run_id, actor=actor)
    else:
        close_run(plane, arguments.run_id, actor=actor, reason=arguments.reason)


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hrx.ops.run")
    parser.add_argument("verb", choices=("start", "resume", "close"))
    parser.add_argument("--run-id", required=True)
    parser.add_argument("--plan", type=int)
    parser.add_argument("--operator", required=True)
    parser.add_argument("--reason", default="")
    parser.add_argument("--correlation-id", required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
