"""What is learned: begun by rule, measured from the ledger, blameless, approved, and done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from hrx.kit import clock
from hrx.kit.errors import Conflict, Forbidden, Invalid, Refused, Text
from hrx.ops.communication import action_items
from hrx.ops.communication.causes import confirm_cause
from hrx.ops.communication.notices import draft
from hrx.ops.communication.post_mortem_text import to_markdown
from hrx.ops.communication.post_mortems import approve, hand_in, lint_sections, send_back, write
from hrx.ops.communication.retrospect import look_back
from hrx.ops.communication.speaking import publish
from hrx.ops.incidents.actions import ending, judging, responding
from hrx.ops.incidents.intake import take_signals
from hrx.ops.ledger.communications import Audience, NoticeKind, NoticeState, list_notices
from hrx.ops.ledger.incidents import get_incident
from hrx.ops.ledger.notifications import list_notifications
from hrx.ops.ledger.post_mortems import (
    ActionState,
    PostMortem,
    PostMortemState,
    find_post_mortem,
    get_action,
    list_actions,
)
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity
from tests.ops.communication.conftest import APPROVER, open_incident, told, turn
from tests.ops.incidents.conftest import RESPONDER, make_signal, unresolved

pytestmark = pytest.mark.req("R5.3-1")
MIN = timedelta(minutes=1)
DAY = timedelta(days=1)
WRITTEN: Mapping[str, str] = {
    "summary": "Sign-in was down for 40 min.",
    "impact": "All customers.",
    "cause": "A disk filled up; nothing warned in time.",
    "factors": "The alert on free space had no owner.",
}


def resolved(plane: Plane, *, severity: Severity = Severity.CRITICAL) -> int:
    number = open_incident(plane, severity=severity)
    turn(plane)
    with clock.shifted(4 * MIN):
        responding.acknowledge(plane, number, actor=RESPONDER)
    with clock.shifted(40 * MIN):
        ending.mitigate(plane, number, reason="freed space", actor=RESPONDER)
        ending.resolve(plane, number, reason="stays up", actor=RESPONDER)
    turn(plane, after=41 * MIN)
    return number


def find(plane: Plane, number: int) -> PostMortem | None:
    with plane.ledger.store.read() as connection:
        return find_post_mortem(connection, number)


def get(plane: Plane, number: int) -> PostMortem:
    found = find(plane, number)
    assert found is not None
    return found


def add_action(plane: Plane, number: int, *, days: int = 10) -> int:
    due_on = clock.today("Asia/Tokyo") + timedelta(days=days)
    title = "Alert on free space with an owner"
    made = action_items.add(plane, number, title=title, owner="suzuki", due_on=due_on, actor=RESPONDER)
    return made.id


def at_office(plane: Plane, *, days: int) -> timedelta:
    """How long it is until half an hour after the office opens, so many days from today."""
    calendar = plane.content.respond.calendar
    day = clock.now().astimezone(calendar.zone).date() + timedelta(days=days)
    opens = datetime.combine(day, calendar.opens, tzinfo=calendar.zone)
    return opens + 30 * MIN - clock.now()


def test_it_begins_by_itself_when_a_major_incident_is_resolved(speaking: Plane) -> None:
    number = resolved(speaking)
    found = get(speaking, number)
    assert found.state is PostMortemState.DRAFT
    incident = get_incident(speaking.ledger.store, number)
    calendar = speaking.content.respond.calendar
    assert incident.resolved_at is not None
    assert found.written_due_at is not None
    assert found.approved_due_at is not None
    assert calendar.is_business_day(found.written_due_at.astimezone(calendar.zone).date())
    assert incident.resolved_at + 3 * DAY <= found.written_due_at < found.approved_due_at


def test_judging_it_lighter_afterwards_takes_no_duty_away(speaking: Plane) -> None:
    number = open_incident(speaking, severity=Severity.MAJOR)
    judging.set_severity(speaking, number, severity=Severity.MINOR, reason="few", actor=RESPONDER)
    ending.resolve(speaking, number, reason="over", actor=RESPONDER)
    turn(speaking)
    assert find(speaking, number) is not None


def test_minor_incidents_and_drills_need_none(speaking: Plane) -> None:
    minor = open_incident(speaking, severity=Severity.MINOR)
    ending.resolve(speaking, minor, reason="over", actor=RESPONDER)
    take_signals(speaking, [make_signal("part-down:api", labels={"drill": "kill-api"})])
    drill = unresolved(speaking)[-1]
    assert drill.is_drill
    ending.resolve(speaking, drill.id, reason="over", actor=RESPONDER)
    turn(speaking)
    assert (find(speaking, minor), find(speaking, drill.id)) == (None, None)


def test_times_are_measured_from_the_ledger_against_what_was_promised(speaking: Plane) -> None:
    take_signals(speaking, [make_signal("part-down:postgres", ago_s=30)])
    number = unresolved(speaking)[-1].id
    turn(speaking)
    with clock.shifted(20 * MIN):
        responding.acknowledge(speaking, number, actor=RESPONDER)
        words = draft(speaking, number, audience=Audience.CUSTOMERS, actor=RESPONDER)
        publish(speaking, words.id, actor=RESPONDER)
    with clock.shifted(45 * MIN):
        ending.resolve(speaking, number, reason="stays up", actor=RESPONDER)
    past = look_back(speaking, get_incident(speaking.ledger.store, number))
    seen = {one.name.en: one for one in past.measures}
    response, recovery = seen["To the response"], seen["To the end of the symptom"]
    assert response.took is not None
    assert round(response.took / MIN) == 20
    assert (response.limit, response.is_met) == (15 * MIN, False)
    assert recovery.took is not None
    assert (round(recovery.took / MIN), recovery.limit, recovery.is_met) == (45, 60 * MIN, True)
    assert seen["To the first word to customers"].is_met is False
    assert [one.at for one in past.moments] == sorted(one.at for one in past.moments)


def test_the_document_tells_the_same_in_both_languages(speaking: Plane) -> None:
    number = resolved(speaking)
    says = Text(ja="保存先が一杯になりました。", en="A store filled up.")
    confirm_cause(speaking, number, says=says, basis="disk figures", actor=RESPONDER)
    write(speaking, number, sections=WRITTEN, actor=RESPONDER)
    add_action(speaking, number)
    incident = get_incident(speaking.ledger.store, number)
    with speaking.ledger.store.read() as connection:
        todo = list_actions(connection, incident_id=number)
    past = look_back(speaking, incident)
    zone = speaking.content.communication.zone
    english = to_markdown(get(speaking, number), past, todo, language="en", zone=zone)
    japanese = to_markdown(get(speaking, number), past, todo, language="ja", zone=zone)
    assert "| To the response | 4 min | 15 min | yes |" in english
    assert "| 対応開始まで | 4 分 | 15 分 | 守った |" in japanese
    assert "**A store filled up.** (confirmed by sato)" in english
    assert "Mitigated" not in japanese
    assert "症状は解消しました: freed space" in japanese
    assert "| suzuki |" in english
    assert "A disk filled up" in japanese, "people's words stay theirs"


def test_it_is_handed_in_when_complete_and_blames_nobody(speaking: Plane) -> None:
    number = resolved(speaking)
    with pytest.raises(Refused) as refused:
        hand_in(speaking, number, actor=RESPONDER)
    assert {one.field for one in refused.value.fields} == {"summary", "impact", "cause", "factors", "actions"}
    write(speaking, number, sections={**WRITTEN, "cause": "作業者のミスでした。"}, actor=RESPONDER)
    add_action(speaking, number)
    with pytest.raises(Refused) as refused:
        hand_in(speaking, number, actor=RESPONDER)
    assert [(one.field, one.code) for one in refused.value.fields] == [("cause", "blame")]
    write(speaking, number, sections={"cause": "佐藤さんが消した"}, actor=RESPONDER)
    assert [one.rule for one in lint_sections(speaking, get(speaking, number))] == ["person"]
    assert hand_in(speaking, number, actor=RESPONDER).state is PostMortemState.WRITTEN
    with pytest.raises(Conflict):
        write(speaking, number, sections=WRITTEN, actor=RESPONDER)


def test_somebody_else_approves_and_the_report_to_customers_is_laid_ready(speaking: Plane) -> None:
    number = open_incident(speaking)
    words = draft(speaking, number, audience=Audience.CUSTOMERS, actor=RESPONDER)
    publish(speaking, words.id, actor=RESPONDER)
    ending.resolve(speaking, number, reason="over", actor=RESPONDER)
    turn(speaking)
    author = replace(APPROVER, name="kobayashi")
    write(speaking, number, sections={**WRITTEN, "no_actions": "The part is gone."}, actor=author)
    hand_in(speaking, number, actor=author)
    with pytest.raises(Conflict):
        ending.close(speaking, number, actor=RESPONDER)
    with pytest.raises(Forbidden):
        approve(speaking, number, actor=author)
    with pytest.raises(Forbidden):
        approve(speaking, number, actor=RESPONDER)
    send_back(speaking, number, reason="the times are missing", actor=APPROVER)
    hand_in(speaking, number, actor=author)
    assert approve(speaking, number, actor=APPROVER).state is PostMortemState.APPROVED
    with speaking.ledger.store.read() as connection:
        drafts = list_notices(connection, incident_id=number, states=(NoticeState.DRAFT,))
    assert [one.kind for one in drafts if one.audience is Audience.CUSTOMERS] == [NoticeKind.REPORT]
    asked = [one for one in list_notifications(speaking.ledger.store) if one.purpose == "reminder"]
    assert any("report to customers" in str(one.message["title"]) for one in asked)
    ending.close(speaking, number, actor=RESPONDER)


def test_an_overdue_one_is_asked_for_each_business_day(speaking: Plane) -> None:
    number = resolved(speaking)
    turn(speaking, after=20 * DAY)
    turn(speaking, after=24 * DAY)
    asked = told(speaking, number, "post_mortem_due")
    assert len(asked) == 2
    assert asked[0].body["late_business_days"] >= 8
    assert len(asked[1].body["asked"]) >= len(asked[0].body["asked"])
    assert "business days late" in asked[0].body["message"]["en"]


def test_an_action_is_reminded_before_its_day_and_weekly_once_it_is_late(speaking: Plane) -> None:
    number = resolved(speaking)
    action = add_action(speaking, number, days=10)
    for days, due, overdue in ((6, 0, 0), (7, 1, 0), (10, 2, 0), (11, 2, 1), (15, 2, 1), (18, 2, 2)):
        turn(speaking, after=at_office(speaking, days=days))
        assert len(told(speaking, number, "action_due")) == due, days
        assert len(told(speaking, number, "action_overdue")) == overdue, days
    action_items.finish(speaking, action, outcome="alert stands", actor=RESPONDER)
    turn(speaking, after=60 * DAY)
    assert len(told(speaking, number, "action_overdue")) == 2


def test_an_action_ends_once_and_says_what_came_of_it(speaking: Plane) -> None:
    number = resolved(speaking)
    action = add_action(speaking, number)
    with pytest.raises(Invalid):
        action_items.finish(speaking, action, outcome=" ", actor=RESPONDER)
    action_items.drop(speaking, action, outcome="the part is gone", actor=RESPONDER)
    with pytest.raises(Conflict):
        action_items.finish(speaking, action, outcome="x", actor=RESPONDER)
    with speaking.ledger.store.read() as connection:
        assert get_action(connection, action).state is ActionState.DROPPED
    with pytest.raises(Invalid):
        action_items.add(
            speaking, number, title="x", owner="suzuki", due_on=date(2020, 1, 1), actor=RESPONDER
        )
