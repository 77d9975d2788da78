"""What protective rules refused, and how many networks it came from. Counted, never named."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Literal

from prometheus_client import CollectorRegistry

from hrx.app.platform.addresses import network_of
from hrx.kit import clock
from hrx.kit.catalogue import BLOCKED, SUSPICIOUS_SOURCES

Rule = Literal["sign_in", "second_step", "oidc_departure", "web_beacons", "body_size", "forged_form"]
_RULES: Final[tuple[Rule, ...]] = (
    "sign_in",
    "second_step",
    "oidc_departure",
    "web_beacons",
    "body_size",
    "forged_form",
)
_REMEMBERED_S: Final = 900.0
#: An attack from more networks than this is one whose number no longer matters.
_AT_MOST: Final = 10_000


class Refusals:
    """The refusals of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        blocked = BLOCKED.counter(registry)
        # Known from the start: a series that is born with its first refusal has no rate until the second.
        self._rules = {rule: blocked.labels("application", rule) for rule in _RULES}
        self._seen: OrderedDict[str, float] = OrderedDict()
        SUSPICIOUS_SOURCES.gauge(registry).set_function(self.count_sources)

    def note(self, rule: Rule, *, address: str | None) -> None:
        """One request that was refused by `rule`."""
        self._rules[rule].inc()
        network = network_of(address)
        self._seen[network] = clock.monotonic_s()
        self._seen.move_to_end(network)
        if len(self._seen) > _AT_MOST:
            self._seen.popitem(last=False)

    def count_sources(self) -> int:
        """Networks that were refused something in the last quarter of an hour."""
        since_s = clock.monotonic_s() - _REMEMBERED_S
        return sum(at_s >= since_s for at_s in list(self._seen.values()))
