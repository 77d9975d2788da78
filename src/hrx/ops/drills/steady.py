"""The steady state from outside: what must be true before a fault, and again after it."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Final

from hrx.ops.drills.experiments import Experiment, SteadyProbe
from hrx.ops.drills.ground import Ground

_TIMEOUT_S: Final = 3.0
_MAX_BYTES: Final = 512 * 1024


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer, not a way."""

    def redirect_request(self, *_: object) -> None:
        return None


def list_unsteady(ground: Ground, experiment: Experiment) -> list[str]:
    """The names of the probes whose answer is not as it must be; empty while all is well."""
    return [probe.name for probe in experiment.probes if not is_steady(ground, probe)]


def is_steady(ground: Ground, probe: SteadyProbe) -> bool:
    """Whether one probe gives the answer it must; any failure to answer is no."""
    settings = ground.plane.settings
    url = probe.url.replace("${edge}", ground.edge_url).replace("${ops}", settings.ops_url.rstrip("/"))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    try:
        with opener.open(url, timeout=_TIMEOUT_S) as answer:
            status, body = answer.status, answer.read(_MAX_BYTES)
    except urllib.error.HTTPError as error:
        status, body = error.code, b""
    except (OSError, ValueError):
        return False
    return status == probe.tolerance and (probe.contains is None or probe.contains.encode() in body)
