"""What the console exports of itself is what the catalogue declares, both ways."""

from __future__ import annotations

import pytest

from hrx.kit import clock
from hrx.kit.catalogue import list_metrics_of
from hrx.kit.figures import Source
from hrx.ops.ledger.notifications import Attempt, NotificationState, enqueue, settle
from hrx.ops.run.plane import Plane
from tests.exposition import fetch_families

pytestmark = pytest.mark.req("R4.1-1")
#: Known only when the watcher has looked; the stack's test waits for them.
_SEEN_LATER = {"hrx_ops_look_timestamp_seconds", "hrx_ops_ledger_is_valid", "hrx_ops_ledger_entries"}


def test_the_console_exports_what_is_declared_and_nothing_else(console: str) -> None:
    exported = fetch_families(console.removeprefix("http://"))
    declared = {metric.name: metric for metric in list_metrics_of(Source.OPS)}
    assert exported.keys() - declared.keys() == set()
    assert declared.keys() - exported.keys() <= _SEEN_LATER
    for name, family in exported.items():
        assert family.type == declared[name].type.value, name


def test_disks_are_measured_and_copies_only_announced(console: str) -> None:
    exported = fetch_families(console.removeprefix("http://"))
    assert exported["hrx_storage_available_bytes"].samples
    assert exported["hrx_backup_last_success_timestamp_seconds"].samples == []
    assert exported["hrx_rpo_seconds"].samples == []


def test_a_delivered_message_is_counted_once_with_its_latency(console: str, plane: Plane) -> None:
    fetch_families(console.removeprefix("http://"))
    with plane.ledger.store.write() as connection:
        number = enqueue(
            connection,
            dedup_key="figures-1",
            recipient="irt-1",
            channel="slack",
            purpose="page",
            message={"title": {"ja": "試験", "en": "test"}},
        )
        assert number is not None
        settle(
            connection,
            number,
            state=NotificationState.DELIVERED,
            attempt=Attempt(at=clock.now(), outcome="delivered", latency_ms=20, says="ok"),
        )
    for _ in range(2):
        exported = fetch_families(console.removeprefix("http://"))
        counted = {
            (sample.labels["channel"], sample.labels["outcome"]): sample.value
            for sample in exported["hrx_notification_deliveries_total"].samples
        }
        assert counted == {("slack", "delivered"): 1.0}
