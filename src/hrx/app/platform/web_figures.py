"""What the pages say of themselves, counted: web vitals, page views, errors.

Whoever can reach the product can send this, so nothing of it becomes a label that is not on our own lists,
and numbers that no page can have are cut."""

from __future__ import annotations

from typing import Final, Literal

from prometheus_client import CollectorRegistry

from hrx.app.platform.pace import Pace
from hrx.kit.catalogue import (
    UNMATCHED,
    VITALS,
    WEB_BEACONS,
    WEB_ERROR_TYPES,
    WEB_ERRORS,
    WEB_PAGE_VIEWS,
    WEB_ROUTES,
)

Device = Literal["desktop", "mobile"]
VitalName = Literal["LCP", "INP", "FID", "FCP", "TTFB", "CLS"]
_ROUTES: Final = frozenset(WEB_ROUTES)
_ERROR_TYPES: Final = frozenset(WEB_ERROR_TYPES)
#: A layout shift is a score, everything else comes in milliseconds.
_SCORES: Final = frozenset({"CLS"})
#: Lines that browsers can cause in a minute, all of them together: a broken release breaks for everybody.
_LINES_PER_MINUTE: Final = 120


class WebFigures:
    """The browsers' figures in one process, and how much of them is taken."""

    def __init__(self, registry: CollectorRegistry, *, beacons_per_minute: int) -> None:
        self.pace = Pace(per_minute=beacons_per_minute)
        self.lines = Pace(per_minute=_LINES_PER_MINUTE)
        self._vitals = {name: metric.histogram(registry) for name, metric in VITALS.items()}
        self._views = WEB_PAGE_VIEWS.counter(registry)
        self._errors = WEB_ERRORS.counter(registry)
        beacons = WEB_BEACONS.counter(registry)
        self.accepted = beacons.labels("accepted")
        self.limited = beacons.labels("limited")

    def note_vital(self, name: VitalName, *, value: float, route: str, device: Device) -> None:
        """One measure of one page; `value` as browsers give it, in milliseconds or as a score."""
        measure = value if name in _SCORES else value / 1000
        self._vitals[name].labels(known_route(route), device).observe(measure)

    def note_view(self, *, route: str) -> None:
        """A page was looked at."""
        self._views.labels(known_route(route)).inc()

    def note_error(self, *, route: str, error_type: str) -> None:
        """Something in a page broke."""
        self._errors.labels(known_route(route), known_error_type(error_type)).inc()


def known_route(route: str) -> str:
    """The template when it is one of ours, else `unmatched`."""
    return route if route in _ROUTES else UNMATCHED


def known_error_type(error_type: str) -> str:
    """The type when it is one of the language's or ours, else `other`."""
    return error_type if error_type in _ERROR_TYPES else "other"
