"""Tables of responding: signals, conditions, incidents, timers, notifications, on-call changes, updates.

They hold what is so now; what happened, in which order and by whom is in the chained entries, which are
appended in the same transaction."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint

from hrx.ops.ledger.tables import BIG, metadata

#: Every signal as it came in: a storm of 10,000 is 10,000 rows and one incident.
signal = Table(
    "signal",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=True),
    Column("received_at", String(40), nullable=False),
    Column("source", String(20), nullable=False),
    Column("key", String(200), nullable=False, index=True),
    Column("state", String(20), nullable=False),
    Column("name", String(200), nullable=False),
    Column("part", String(100)),
    Column("severity", Integer),
    Column("started_at", String(40), nullable=False),
    Column("incident_id", BIG, index=True),
    Column("body", Text, nullable=False),
    # Who said which state of what since when: the same statement is one row, however often it is repeated.
    Column("digest", String(64), nullable=False, unique=True),
)

#: The last known state of each condition, by key.
condition = Table(
    "condition",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("name", String(200), nullable=False),
    Column("part", String(100)),
    Column("severity", Integer),
    Column("source", String(20), nullable=False),
    Column("incident_id", BIG, index=True),
    Column("first_at", String(40), nullable=False),
    Column("last_at", String(40), nullable=False),
    Column("signals", Integer, nullable=False),
    Column("body", Text, nullable=False),
)

incident = Table(
    "incident",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=True),
    Column("state", String(20), nullable=False, index=True),
    Column("severity", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("part", String(100)),
    Column("sop", String(20)),
    Column("is_drill", Integer, nullable=False),
    Column("is_security", Integer, nullable=False),
    Column("opened_at", String(40), nullable=False),
    Column("acknowledged_at", String(40)),
    Column("acknowledged_by", String(100)),
    Column("mitigated_at", String(40)),
    Column("resolved_at", String(40)),
    Column("closed_at", String(40)),
    Column("respond_due_at", String(40)),
    Column("recover_due_at", String(40)),
    Column("merged_into", BIG),
    # Pauses of the clocks, roles, impact, triage result: JSON whose shape belongs to `incidents`.
    Column("body", Text, nullable=False),
    Column("version", Integer, nullable=False),
)

#: What must happen later, whatever happens to us in between.
timer = Table(
    "timer",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=True),
    Column("kind", String(60), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("name", String(100), nullable=False),
    Column("due_at", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("leased_until", String(40)),
    Column("tries", Integer, nullable=False),
    Column("payload", Text, nullable=False),
    Column("done_at", String(40)),
    UniqueConstraint("kind", "subject", "name"),
    Index("timer_due", "state", "due_at"),
)

notification = Table(
    "notification",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=True),
    # The same message is enqueued once, however often the step that wants it is run.
    Column("dedup_key", String(200), nullable=False, unique=True),
    Column("incident_id", BIG, index=True),
    # A contact's id, or `place:#hrx-alerts-critical` for a place that nobody owns.
    Column("recipient", String(200), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("message", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_at", String(40), nullable=False),
    Column("leased_until", String(40)),
    # Which process is at it, so that its successor need not wait for the lease of a dead one to run out.
    Column("leased_by", String(200)),
    Column("created_at", String(40), nullable=False),
    Column("settled_at", String(40)),
    Column("receipt", Text, nullable=False),
    Index("notification_next", "state", "next_at"),
)

attempt_to_notify = Table(
    "notification_attempt",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=True),
    Column("notification_id", BIG, nullable=False, index=True),
    Column("at", String(40), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("latency_ms", Integer, nullable=False),
    Column("says", Text, nullable=False),
)

#: Overrides (somebody takes a shift) and leave (somebody is away); schedules themselves are content.
on_call_change = Table(
    "on_call_change",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=True),
    Column("kind", String(20), nullable=False),
    Column("rotation", String(100)),
    Column("person", String(100), nullable=False),
    Column("starts_at", String(40), nullable=False),
    Column("ends_at", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_by", String(100), nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("cancelled_at", String(40)),
)

#: What was told to customers or inside, with who approved the words.
communication = Table(
    "communication",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=True),
    Column("incident_id", BIG, index=True),
    Column("audience", String(20), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("body", Text, nullable=False),
    Column("made_by", String(100), nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("published_at", String(40)),
    Column("due_at", String(40)),
)

action_item = Table(
    "action_item",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=True),
    Column("incident_id", BIG, nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("owner", String(100), nullable=False),
    Column("due_on", String(10), nullable=False),
    Column("state", String(20), nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("done_at", String(40)),
    Column("made_by", String(100)),
    Column("done_by", String(100)),
    # What came of it, or why it was dropped.
    Column("outcome", Text),
)

#: What was learned from an incident; one for each, by the incident's number.
post_mortem = Table(
    "post_mortem",
    metadata,
    Column("incident_id", BIG, primary_key=True, autoincrement=False),
    Column("state", String(20), nullable=False),
    # What people wrote, by section: JSON.
    Column("body", Text, nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("written_due_at", String(40)),
    Column("approved_due_at", String(40)),
    Column("written_at", String(40)),
    Column("written_by", String(100)),
    Column("approved_at", String(40)),
    Column("approved_by", String(100)),
    Column("version", Integer, nullable=False),
)

#: Readers of the status page who want its news by mail. An address is personal data: sealed, and found by a
#: keyed digest only; the row is deleted when its reader leaves.
subscriber = Table(
    "subscriber",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=True),
    Column("state", String(20), nullable=False, index=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("address", Text, nullable=False),
    Column("language", String(2), nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("confirmed_at", String(40)),
)

#: The last confirmation that a contact or vendor entry is right.
contact_check = Table(
    "contact_check",
    metadata,
    Column("contact", String(100), primary_key=True),
    Column("checked_at", String(40), nullable=False),
    Column("checked_by", String(100), nullable=False),
    Column("digest", String(64), nullable=False),
)

ALL_TABLES: Final = (
    signal,
    condition,
    incident,
    timer,
    notification,
    attempt_to_notify,
    on_call_change,
    communication,
    action_item,
    post_mortem,
    subscriber,
    contact_check,
)
