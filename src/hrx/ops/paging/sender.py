"""The sender: takes what is due from the outbox, sends it outside any transaction, and settles each.

Each channel has a few hands of its own, so that one that hangs holds up no other. A message is leased before
it is sent: a sender that dies in between leaves a lease, and its successor frees those of dead processes at
once. So a message is sent twice at most by one way, and never not at all (see `settling`)."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError
from hrx.kit.processes import is_process_gone, name_this_process
from hrx.ops.channels.channel import Channel, ChannelKind, DeliveryFailed, Receipt
from hrx.ops.ledger.incidents import IncidentState, find_incident
from hrx.ops.ledger.notifications import (
    Attempt,
    Notification,
    NotificationState,
    Sent,
    find_thread_ref,
    lease,
    list_deliveries_since,
    list_lease_holders,
    list_leased,
    list_sendable,
    postpone,
    settle,
)
from hrx.ops.ledger.store import Connection, mark_due
from hrx.ops.paging.batches import LIMITS, Key, Limits, plan_batches
from hrx.ops.paging.messages import to_envelope
from hrx.ops.paging.people import Recipient, find_recipient
from hrx.ops.paging.settling import is_spared, settle_after_death, settle_delivered, settle_failed
from hrx.ops.paging.subscribers import (
    SUBSCRIBER,
    find_reader,
    hide_addresses,
    mark_bounced,
    unsubscribe_url,
)
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.contacts import Reach

_log = logging.getLogger("hrx.ops.paging")
_HANDS_PER_CHANNEL: Final = 4
#: A lease outlives every time limit of one delivery (SMTP has one for each command).
_LEASE_TIMEOUTS: Final = 6


class Sender:
    """Sends what is due. Its `send_due` is a round of the ticker; harmless beside another sender."""

    def __init__(
        self,
        plane: Plane,
        channels: Mapping[ChannelKind, Channel],
        *,
        limits: Limits = LIMITS,
    ) -> None:
        self._plane = plane
        self._channels = dict(channels)
        self._me = name_this_process()
        self._limits = limits
        self._busy: Counter[str] = Counter()
        #: By the first message of each delivery under way: whom it goes to. It counts as had.
        self._under_way: dict[int, tuple[Key, Sent]] = {}
        self._alerts_under_way: set[int] = set()
        self._guard = threading.Lock()
        self._hands = {
            kind: ThreadPoolExecutor(max_workers=_HANDS_PER_CHANNEL, thread_name_prefix=f"send-{kind}")
            for kind in ChannelKind
        }
        self._lease_s = plane.settings.notify_timeout_s * _LEASE_TIMEOUTS
        self._has_freed = False
        #: More was waiting than there were hands: whoever is done has the next taken at once.
        self._has_more = False

    def send_due(self, _plane: Plane) -> None:
        """Take what may go out now and hand it to the hands; returns without waiting for them."""
        if not self._has_freed:
            self._free_leases_of_the_dead()
        with self._plane.ledger.store.read() as connection:
            if not list_sendable(connection, limit=1):
                return
        for group in self._take():
            context = copy_context()
            self._hands[ChannelKind(group[0].channel)].submit(context.run, self._deliver, group)

    def drain(self, *, within_s: float) -> bool:
        """Wait until no hand is busy; for tests and for the end of a process."""
        deadline = clock.monotonic_s() + within_s
        pause = threading.Event()
        while clock.monotonic_s() < deadline:
            with self._guard:
                if not +self._busy:
                    return True
            pause.wait(0.01)
        return False

    def close(self) -> None:
        """End the hands; what they have not begun goes back to being due when its lease ends."""
        for hands in self._hands.values():
            hands.shutdown(wait=False, cancel_futures=True)
        for channel in self._channels.values():
            channel.close()

    def _free_leases_of_the_dead(self) -> None:
        with self._plane.ledger.store.write() as connection:
            for holder in list_lease_holders(connection):
                if is_process_gone(holder):
                    left = list_leased(connection, of=holder)
                    for one in left:
                        recipient = self._recipient(one)
                        settle_after_death(self._plane, connection, one, recipient=recipient)
                    _log.warning("paging.took_over", extra={"fields": {"messages": len(left)}})
        self._has_freed = True

    def _take(self) -> list[list[Notification]]:
        """Groups that are ours now, at most as many as there are free hands."""
        taken: list[list[Notification]] = []
        with self._guard:
            free = {kind.value: _HANDS_PER_CHANNEL - self._busy[kind.value] for kind in ChannelKind}
        with self._plane.ledger.store.write() as connection:
            waiting = list_sendable(connection)
            now = clock.now()
            lately = self._lately(connection, waiting)
            batches = plan_batches(waiting, lately=lately, at=now, limits=self._limits)
            for one, until in batches.hold:
                postpone(connection, [one.id], until=until)
            self._has_more = False
            for found in batches.send:
                channel = found[0].channel
                # The last hand is kept for calls: a server that is slow with news must not hold them up.
                if free.get(channel, 0) <= (0 if found[0].is_call else 1):
                    self._has_more = True
                    continue
                # Only what goes out now is looked at closely: a backlog must not cost each tick anew.
                group = [one for one in found if not self._is_moot(connection, one)]
                if not group or not self._may_alert(group[0]):
                    continue
                free[channel] -= 1
                lease(connection, [one.id for one in group], by=self._me, for_s=self._lease_s)
                taken.append(group)
        with self._guard:
            self._busy.update(group[0].channel for group in taken)
            for first, *_ in taken:
                sent = Sent(at=now, has_calls=first.is_call)
                self._under_way[first.id] = ((first.recipient, first.channel), sent)
        return taken

    def _may_alert(self, one: Notification) -> bool:
        """What is said about one alert is said in order: acknowledged before it is opened is not heard."""
        if one.channel != ChannelKind.PAGERDUTY or one.incident_id is None:
            return True
        with self._guard:
            if one.incident_id in self._alerts_under_way:
                return False
            self._alerts_under_way.add(one.incident_id)
        return True

    def _lately(self, connection: Connection, waiting: list[Notification]) -> dict[Key, list[Sent]]:
        since = clock.now() - timedelta(seconds=self._limits.window_s)
        with self._guard:
            under_way = list(self._under_way.values())
        found = {}
        for key in {(one.recipient, one.channel) for one in waiting}:
            had = list_deliveries_since(connection, recipient=key[0], channel=key[1], since=since)
            found[key] = sorted([*had, *(sent for whose, sent in under_way if whose == key)], key=_moment)
        return found

    def _is_moot(self, connection: Connection, one: Notification) -> bool:
        """A page whose incident somebody has taken meanwhile is not sent any more, nor for a third time to
        whom another way has reached; nor is an alert opened elsewhere that nobody would close again."""
        opens_alert = one.channel == ChannelKind.PAGERDUTY and "event" not in one.message
        if one.incident_id is None or not (one.is_page or opens_alert):
            return False
        incident = find_incident(connection, one.incident_id)
        if incident is None or incident.state is IncidentState.OPEN:
            return is_spared(connection, one)
        settle(
            connection,
            one.id,
            state=NotificationState.CANCELLED,
            attempt=None,
            receipt={"says": f"incident {incident.state}"},
        )
        return True

    def _deliver(self, group: list[Notification]) -> None:
        """One try. Whatever goes wrong, the lease ends and the messages are due again."""
        started = clock.monotonic_s()
        try:
            outcome = self._try(group)
        except DeliveryFailed as error:
            outcome = error
        # A bug in rendering must not lose a page: it is a failure like another, and logged as what it is.
        except Exception as error:  # noqa: BLE001
            _log.exception("paging.bug", extra={"fields": {"notification": group[0].id}})
            outcome = DeliveryFailed(f"{type(error).__name__}", is_permanent=False)
        try:
            self._settle(group, outcome, latency_ms=round((clock.monotonic_s() - started) * 1000))
        except HrxError as error:
            # The lease stays and runs out; the message is then sent again.
            _log.error("paging.not_settled", extra={"fields": {"code": error.stable_code}})
        finally:
            with self._guard:
                self._busy[group[0].channel] -= 1
                self._under_way.pop(group[0].id, None)
                if group[0].channel == ChannelKind.PAGERDUTY and group[0].incident_id is not None:
                    self._alerts_under_way.discard(group[0].incident_id)

    def _try(self, group: list[Notification]) -> Receipt | DeliveryFailed:
        first = group[0]
        recipient = self._recipient(first)
        reach = _reach(recipient.reaches, first.channel) if recipient else None
        channel = self._channels.get(ChannelKind(first.channel))
        if recipient is None or reach is None:
            return DeliveryFailed("the runbook knows no such way to reach them", is_permanent=True)
        if channel is None:
            return DeliveryFailed(f"{first.channel} is not configured", is_permanent=True)
        return channel.send(
            to_envelope(
                group,
                reach=reach,
                language=recipient.language,
                base_url=self._base_url(),
                thread_ref=self._thread_ref(first) if len(group) == 1 else None,
                unsubscribe_url=unsubscribe_url(self._plane, first.recipient),
            )
        )

    def _recipient(self, one: Notification) -> Recipient | None:
        if one.recipient.startswith(SUBSCRIBER):
            return find_reader(self._plane, one.recipient)
        return find_recipient(self._plane.content, one.recipient)

    def _thread_ref(self, one: Notification) -> str | None:
        """Updates go into the thread of what they update; a page stands by itself, so that phones ring."""
        if one.incident_id is None or one.is_page or not one.message.get("thread"):
            return None
        with self._plane.ledger.store.read() as connection:
            return find_thread_ref(
                connection, incident_id=one.incident_id, recipient=one.recipient, channel=one.channel
            )

    def _base_url(self) -> str:
        settings = self._plane.settings
        return settings.ops_public_url or f"http://127.0.0.1:{settings.ops_port}"

    def _settle(
        self, group: list[Notification], outcome: Receipt | DeliveryFailed, *, latency_ms: int
    ) -> None:
        now = clock.now()
        is_delivered = isinstance(outcome, Receipt)
        is_reader = group[0].recipient.startswith(SUBSCRIBER)
        attempt = Attempt(
            at=now,
            outcome="delivered" if is_delivered else "failed",
            latency_ms=latency_ms,
            says=hide_addresses(outcome.says) if is_reader else outcome.says,
        )
        with self._plane.ledger.store.write() as connection:
            if self._has_more:
                mark_due(connection)
            if isinstance(outcome, Receipt):
                settle_delivered(connection, group, receipt=outcome, attempt=attempt)
            else:
                if is_reader and outcome.is_permanent and outcome.says.startswith("SMTP 5"):
                    mark_bounced(connection, group[0].recipient)
                settle_failed(
                    self._plane,
                    connection,
                    group,
                    recipient=self._recipient(group[0]),
                    error=outcome,
                    attempt=attempt,
                )


def _moment(sent: Sent) -> datetime:
    return sent.at


def _reach(reaches: tuple[Reach, ...], channel: str) -> Reach | None:
    return next((one for one in reaches if one.kind.value == channel), None)
