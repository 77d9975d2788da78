"""The linter: what gives away insides, people, secrets, guesses or promises is found in both languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hrx.kit import clock
from hrx.kit.errors import Conflict, Forbidden, Invalid, Refused, Text
from hrx.ops.communication.causes import confirm_cause
from hrx.ops.communication.drafting import Words, render
from hrx.ops.communication.facts import Said, collect_facts
from hrx.ops.communication.leaks import Leak, Level, has_errors
from hrx.ops.communication.notices import draft, edit, judge, lint
from hrx.ops.communication.speaking import publish
from hrx.ops.incidents.actions import ending, responding
from hrx.ops.ledger.communications import Audience, NoticeState, get_notice
from hrx.ops.ledger.incidents import get_within, save_incident
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.reading import ContentWrong
from tests.ops.communication.conftest import APPROVER, MANAGER, open_incident, told
from tests.ops.communication.sentences import HONEST_EN, HONEST_JA, LEAKS_EN, LEAKS_JA
from tests.ops.incidents.conftest import RESPONDER

pytestmark = pytest.mark.req("R5.3-1")
CLEAN = Words(
    title=Text(ja="サインインの障害", en="Problem with sign-in"),
    text=Text(ja="復旧に当たっています。", en="We are working to restore the service."),
)


def say(ja: str = "", en: str = "") -> Words:
    return replace(CLEAN, text=Text(ja=ja or CLEAN.text.ja, en=en or CLEAN.text.en))


def judge_for(
    plane: Plane, words: Words, *, audience: Audience = Audience.CUSTOMERS, number: int | None = None
) -> tuple[Leak, ...]:
    number = number or open_incident(plane)
    with plane.ledger.store.read() as connection:
        facts = collect_facts(plane, connection, get_within(connection, number))
    return judge(plane, words, audience=audience, facts=facts)


CASES = (
    ("address", "10.2.3.4 に接続できません。", "Cannot reach 10.2.3.4."),
    ("host", "db-1.internal が応答しません。", "The host db-1.internal is silent."),
    ("host", "ポート 8432 が応答しません。", "Port 8432 is silent."),
    ("path", "設定 /etc/hrx/api.yaml を直しました。", "We corrected /etc/hrx/api.yaml."),
    ("product", "redisが停止しました。", "Redis stopped."),
    ("part", "api-blueを再起動しました。", "We restarted api-blue."),
    ("stack_trace", "エラー: KeyError: 'id'", "It said KeyError: 'id'"),
    ("secret", "鍵 sk_live_abcdefgh12 を使いました。", "We used sk_live_abcdefgh12."),
    ("secret", "パスワードはHunter22でした。", "The password: hunter22x."),
    ("personal_data", "taro@corp.jp に影響します。", "It affects taro@corp.jp."),
    ("personal_data", "03-1234-5678 までお電話ください。", "Call +81 3-1234-5678."),
    ("person", "佐藤さんが対応しています。", "Kenichi Sato is on it."),
    ("vendor", "Vercelが停止しています。", "Stripe is down."),
    ("blame", "作業者のミスでした。", "It was human error."),
    ("unproven_cause", "原因はアクセスの急増です。", "It was caused by a rush of visits."),
    ("unproven_cause", "機器の故障が原因で停止しました。", "It is due to a broken disk."),
    ("promise", "30分以内に復旧します。", "It will be restored within 30 minutes."),
    ("promise", "まもなく復旧します。", "It will be back shortly."),
)


def test_leaks_are_found_in_both_languages_with_place_reason_and_suggestion(quiet: Plane) -> None:
    number = open_incident(quiet)
    for rule, ja, en in CASES:
        for words, language in ((say(ja=ja), "ja"), (say(en=en), "en")):
            found = judge_for(quiet, words, number=number)
            errors = [one for one in found if one.level is Level.ERROR]
            assert rule in {one.rule for one in errors}, (rule, language, found)
            first = next(one for one in errors if one.rule == rule)
            assert (first.language, first.field) == (language, "text")
            assert first.end > first.start
            assert all((first.why.ja, first.why.en, first.instead.ja, first.instead.en))


def test_what_people_write_in_a_hurry_is_found_and_honest_words_pass(quiet: Plane) -> None:
    number = open_incident(quiet)
    with quiet.ledger.store.read() as connection:
        facts = collect_facts(quiet, connection, get_within(connection, number))

    def is_held_back(words: Words) -> bool:
        return has_errors(judge(quiet, words, audience=Audience.CUSTOMERS, facts=facts))

    missed = [one for one in LEAKS_JA if not is_held_back(say(ja=one))]
    missed += [one for one in LEAKS_EN if not is_held_back(say(en=one))]
    wronged = [one for one in HONEST_JA if is_held_back(say(ja=one))]
    wronged += [one for one in HONEST_EN if is_held_back(say(en=one))]
    assert (missed, wronged) == ([], [])


def test_honest_words_are_let_through(quiet: Plane) -> None:
    words = say(
        ja="原因は調査中です。復旧の見込みはまだ立っていません。ワーカーではなく機能の名前で書きました。",
        en="The cause is still being looked into. We do not know yet when it will work again. "
        "Please see the status page or the web for the status of each feature.",
    )
    assert judge_for(quiet, words) == ()


def test_a_finding_does_not_carry_on_what_it_warns_of(quiet: Plane) -> None:
    found = judge_for(quiet, say(ja="鍵は sk_live_abcdefgh12 と taro@corp.jp です。"))
    assert {"secret", "personal_data"} <= {one.rule for one in found}
    assert not [one for one in found if "sk_live" in one.excerpt or "taro" in one.excerpt]


def test_a_time_that_no_fact_has_is_questioned(quiet: Plane) -> None:
    found = judge_for(quiet, say(ja="3:07 と 23:58 に確認しました。", en="Checked at 03:07 and 23:58."))
    assert {one.rule for one in found} == {"unknown_time"}
    assert {one.level for one in found} == {Level.WARNING}


def test_inside_parts_may_be_named_but_no_secrets_and_nobody_is_blamed(quiet: Plane) -> None:
    number = open_incident(quiet)
    named = say(ja="redis を再起動しました。佐藤さんが対応中。", en="Restarted redis; Sato has it.")
    assert judge_for(quiet, named, audience=Audience.INTERNAL, number=number) == ()
    worse = say(ja="鍵は xoxb-1234567890 です。担当者のミスでした。")
    found = judge_for(quiet, worse, audience=Audience.INTERNAL, number=number)
    assert {one.rule for one in found} == {"secret", "blame"}


def test_both_languages_are_needed_and_each_is_itself(quiet: Plane) -> None:
    number = open_incident(quiet)
    empty = replace(CLEAN, text=Text(ja="復旧に当たっています。", en=" "))
    assert {one.rule for one in judge_for(quiet, empty, number=number)} == {"missing_language"}
    copied = say(en="復旧に当たっています。")
    assert {one.rule for one in judge_for(quiet, copied, number=number)} == {"wrong_language"}


def test_triage_that_supports_a_cause_lets_it_be_said_inside_and_a_person_to_customers(quiet: Plane) -> None:
    number = open_incident(quiet)
    triage = {
        "first_cause": "x",
        "causes": [{"id": "x", "title": {"ja": "DB 停止", "en": "Database stopped"}}],
    }
    with quiet.ledger.store.write() as connection:
        found = get_within(connection, number)
        save_incident(connection, replace(found, body={**found.body, "triage": triage}))
    inside = draft(quiet, number, audience=Audience.INTERNAL, actor=RESPONDER)
    assert "Cause: Database stopped (supported by triage)." in inside.text.en
    outside = draft(quiet, number, audience=Audience.CUSTOMERS, actor=RESPONDER)
    assert "Database" not in outside.text.en
    says = Text(ja="保存先の機器が停止したことです。", en="A storage device stopped.")
    confirm_cause(quiet, number, says=says, basis="console and logs", actor=RESPONDER)
    ending.resolve(quiet, number, reason="replaced", actor=RESPONDER)
    report = draft(quiet, number, audience=Audience.CUSTOMERS, actor=RESPONDER)
    assert "Cause: A storage device stopped." in report.text.en
    assert lint(quiet, report) == ()


def test_an_estimate_needs_a_source_and_is_then_no_leak(quiet: Plane) -> None:
    number = open_incident(quiet)
    at = clock.now() + timedelta(hours=1)
    with pytest.raises(Invalid):
        draft(quiet, number, audience=Audience.CUSTOMERS, said=Said(expected_at=at), actor=RESPONDER)
    first = draft(quiet, number, audience=Audience.CUSTOMERS, actor=RESPONDER)
    publish(quiet, first.id, actor=RESPONDER)
    said = Said(expected_at=at, source="restore runs at 40 GB/h, 38 GB are left")
    update = draft(quiet, number, audience=Audience.CUSTOMERS, said=said, actor=RESPONDER)
    assert "Expected to be restored" in update.text.en
    assert lint(quiet, update) == ()


def test_every_template_renders_clean_from_facts_alone(quiet: Plane) -> None:
    number = open_incident(quiet)
    rules = quiet.content.communication
    with quiet.ledger.store.read() as connection:
        facts = collect_facts(
            quiet, connection, get_within(connection, number), next_update_at=clock.now() + timedelta(hours=1)
        )
    for template in rules.templates.values():
        if template.kind == "maintenance":
            continue
        words = render(template, facts, zone=rules.zone)
        found = judge(quiet, words, audience=Audience(template.audience), facts=facts)
        assert found == (), (template.id, found, words)


def test_a_template_for_customers_reaches_nothing_but_facts(quiet: Plane) -> None:
    number = open_incident(quiet)
    template = quiet.content.communication.templates["first"]
    with quiet.ledger.store.read() as connection:
        facts = collect_facts(quiet, connection, get_within(connection, number))
    for reached in (
        "{{ owner }}",
        "{{ part }}",
        "{{ said.__class__.__mro__ }}",
        "{{ cycler }}",
        "{% import 'x' %}",
    ):
        changed = replace(template, text=Text(ja=reached, en=reached))
        with pytest.raises(ContentWrong):
            render(changed, facts, zone=quiet.content.communication.zone)


def test_publishing_refuses_leaks_and_names_each_place(quiet: Plane) -> None:
    number = open_incident(quiet)
    words = draft(quiet, number, audience=Audience.CUSTOMERS, actor=RESPONDER)
    edit(quiet, words.id, words=say(ja="redisが停止しました。"), next_update_at=None, actor=RESPONDER)
    with pytest.raises(Refused) as refused:
        publish(quiet, words.id, actor=RESPONDER)
    assert [one.code for one in refused.value.fields] == ["product"]
    assert refused.value.fields[0].field.startswith("text.ja:0")
    with quiet.ledger.store.read() as connection:
        assert get_notice(connection, words.id).state is NoticeState.DRAFT


def test_only_the_manager_overrides_and_words_for_customers_wait_for_a_second_person(quiet: Plane) -> None:
    number = open_incident(quiet)
    words = draft(quiet, number, audience=Audience.CUSTOMERS, actor=RESPONDER)
    edit(quiet, words.id, words=say(ja="redisが停止しました。"), next_update_at=None, actor=RESPONDER)
    with pytest.raises(Forbidden):
        publish(quiet, words.id, actor=RESPONDER, override="it is known to all")
    responding.assign_role(
        quiet, number, role=responding.IncidentRole.MANAGER, person="watanabe", actor=RESPONDER
    )
    assert publish(quiet, words.id, actor=MANAGER, override="it is known to all").waits_for_second
    with pytest.raises(Refused):
        publish(quiet, words.id, actor=MANAGER)
    with pytest.raises(Forbidden):
        publish(quiet, words.id, actor=RESPONDER)
    done = publish(quiet, words.id, actor=APPROVER)
    assert done.notice.state is NoticeState.PUBLISHED
    override = told(quiet, number, "published")[0].body["override"]
    assert (override["by"], override["confirmed_by"]) == ("watanabe", "nakamura")


def test_words_changed_after_an_override_need_it_again(quiet: Plane) -> None:
    number = open_incident(quiet)
    responding.assign_role(
        quiet, number, role=responding.IncidentRole.MANAGER, person="watanabe", actor=RESPONDER
    )
    words = draft(quiet, number, audience=Audience.CUSTOMERS, actor=RESPONDER)
    edit(quiet, words.id, words=say(ja="redisが停止しました。"), next_update_at=None, actor=RESPONDER)
    publish(quiet, words.id, actor=MANAGER, override="known")
    edit(quiet, words.id, words=say(ja="redisが全部悪い。"), next_update_at=None, actor=RESPONDER)
    with pytest.raises(Refused):
        publish(quiet, words.id, actor=APPROVER)


def test_what_is_published_is_not_changed_any_more(quiet: Plane) -> None:
    number = open_incident(quiet)
    words = draft(quiet, number, audience=Audience.CUSTOMERS, actor=RESPONDER)
    publish(quiet, words.id, actor=RESPONDER)
    with pytest.raises(Conflict):
        edit(quiet, words.id, words=CLEAN, next_update_at=None, actor=RESPONDER)
