"""`hrx rules …`: the alert rules, everything generated from them, and how soon each one tells."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from hrx.cli import output, rules_seeing
from hrx.cli.options import AsJson, DryRun
from hrx.cli.plane import opened
from hrx.kit.errors import Refused, Text
from hrx.kit.settings import load
from hrx.ops.observe.rules.budgets import Budget, list_budgets
from hrx.ops.observe.rules.expressions import expression_of
from hrx.ops.observe.rules.figures import FILE, list_outdated, read_simulated, render_simulated
from hrx.ops.observe.rules.mutating import judge_mutants
from hrx.ops.observe.rules.promtool import Promtool
from hrx.ops.observe.rules.simulating import Simulated, simulate
from hrx.ops.observe.rules.writing import render_monitoring
from hrx.ops.runbook.watch.content import Watch, load_watch
from hrx.ops.runbook.watch.rules import AlertRule, get_rule
from hrx.ops.settings import HOME, OpsSettings
from hrx.ops.targets.machine.layout import find_layout
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.machine.toolchain import find_tools

MONITORING: Final = HOME / "monitoring"
#: Folders whose files are all generated: one that is no longer made is removed.
_OWNED: Final = ("rules", "tests")
_WORKERS: Final = 2
Name = Annotated[str, typer.Argument(help="The rule's name, such as ApiErrorRateHigh.")]


def register(app: typer.Typer) -> None:
    """Add `hrx rules`."""
    group = typer.Typer(
        help="Alert rules: what they say, how soon, and what is made from them.", no_args_is_help=True
    )
    group.command("list")(list_all)
    group.command("show")(show)
    group.command("write")(write)
    group.command("check")(check)
    group.command("simulate")(simulate_all)
    group.command("mutate")(mutate)
    group.command("budgets")(show_budgets)
    rules_seeing.add_to(group)
    app.add_typer(group, name="rules")


def list_all(as_json: AsJson = False) -> None:
    """Every rule with its severity, its SOP and the seconds it promises."""
    rules = load_content().rules
    if as_json:
        output.show_json([_describe(rule) for rule in rules])
        return
    columns = (
        Text(ja="規則", en="Rule"),
        Text(ja="意味", en="Meaning"),
        Text(ja="重大度", en="Severity"),
        Text(ja="SOP", en="SOP"),
        Text(ja="送り先", en="Goes to"),
        Text(ja="約束(秒)", en="Promised (s)"),
    )
    rows = [
        [
            rule.name,
            output.say(rule.title),
            _severity(rule),
            rule.sop,
            " + ".join(filter(None, (rule.place, "PagerDuty" if rule.pagerduty else None))) or "–",
            f"{rule.budget_s:g}",
        ]
        for rule in rules
    ]
    output.show_table(columns, rows)


def show(name: Name, as_json: AsJson = False) -> None:
    """One rule: what it compares, why its windows are what they are, and its examples."""
    rule = get_rule(load_content().rules, name)
    if as_json:
        output.show_json(_describe(rule))
        return
    print(f"{rule.name}  {output.say(rule.title)}\n\n{expression_of(rule)}\n\n{output.say(rule.why)}\n")
    output.show_facts(
        [
            (Text(ja="継続(for)", en="For"), f"{rule.for_s} s"),
            (Text(ja="重大度", en="Severity"), _severity(rule)),
            (Text(ja="SOP", en="SOP"), rule.sop),
            (Text(ja="条件の名前", en="Condition"), rule.condition),
            (Text(ja="約束した検知時間", en="Promised to tell within"), f"{rule.budget_s:g} s"),
            *(
                (
                    example.says,
                    output.say(
                        Text(ja="鳴らない", en="stays silent")
                        if example.fires_after_s is None
                        else Text(
                            ja=f"{example.fires_after_s} 秒後に鳴る",
                            en=f"fires after {example.fires_after_s} s",
                        )
                    ),
                )
                for example in rule.examples
            ),
        ]
    )


def write(dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Write everything below monitoring/ that is made from runbook/watch/."""
    made = render_monitoring(load_content())
    changed = list_differences(made)
    if not dry_run:
        for name in changed:
            path = MONITORING / name
            if name in made:
                path.parent.mkdir(exist_ok=True)
                path.write_text(made[name])
            else:
                path.unlink()
    if as_json:
        output.show_json({"changed": changed, "dry_run": dry_run})
        return
    print(output.say(Text(ja="変更: ", en="changed: ")) + (", ".join(changed) or "-"))


def check(as_json: AsJson = False) -> None:
    """Compare what is written with the content; promtool judges and tests it. Exit code 4 if they differ."""
    watch = load_content()
    stale = list_differences(render_monitoring(watch))
    outdated = list_outdated(watch.rules, watch.slos, known=read_simulated(MONITORING))
    said = _test_files(find_promtool())
    if as_json:
        output.show_json({"stale": stale, "outdated": [rule.name for rule in outdated], "failed": said})
    if stale or outdated:
        names = ", ".join([*stale, *(rule.name for rule in outdated)])
        raise Refused(
            Text(ja=f"生成物が古くなっています: {names}", en=f"What is generated is out of date: {names}"),
            hint=Text(
                ja="`hrx rules write` と `hrx rules simulate` を実行してください。",
                en="Run `hrx rules write` and `hrx rules simulate`.",
            ),
            code="rules.stale",
        )
    if said:
        raise Refused(
            Text(ja=f"規則の試験に失敗しました: {said[:600]}", en=f"Tests of rules fail: {said[:600]}"),
            code="rules.tests_failed",
        )
    if not as_json:
        print(output.say(Text(ja="✓ すべて一致し、試験に通りました", en="✓ everything matches and passes")))


def simulate_all(
    everything: Annotated[bool, typer.Option("--all", help="Also rules that did not change.")] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Find out by promtool how soon each changed rule fires in its own example, and keep the figures."""
    watch = load_content()
    known = read_simulated(MONITORING)
    wanted = watch.rules if everything else list_outdated(watch.rules, watch.slos, known=known)
    promtool = find_promtool()
    with ThreadPoolExecutor(max_workers=_WORKERS) as workers:
        found = list(workers.map(lambda rule: simulate(rule, watch.slos, promtool=promtool), wanted))
    kept = known | {one.rule: one for one in found}
    figures = [kept[rule.name] for rule in watch.rules if rule.name in kept]
    if not dry_run:
        (MONITORING / FILE).write_text(render_simulated(figures))
    if as_json:
        output.show_json([{**asdict(one), "total_s": one.total_s} for one in found])
        return
    _show_simulated(found, watch)


def mutate(
    name: Annotated[str | None, typer.Argument(help="One rule; all when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make mutants of the rules and see that their tests notice each one. Exit code 1 when one survives."""
    watch = load_content()
    rules = [get_rule(watch.rules, name)] if name else list(watch.rules)
    outcomes = judge_mutants(rules, watch.slos, promtool=find_promtool(), workers=_WORKERS)
    survivors = [one.mutant for one in outcomes if not one.killed]
    killed = len(outcomes) - len(survivors)
    if as_json:
        items = [{"rule": one.of.name, "change": one.change} for one in survivors]
        output.show_json({"killed": killed, "total": len(outcomes), "survivors": items})
    else:
        print(
            output.say(Text(ja=f"殺した変異 {killed}/{len(outcomes)}", en=f"killed {killed}/{len(outcomes)}"))
        )
        for one in survivors:
            print(f"  ✗ {one.of.name}: {one.change}")
    if survivors:
        raise typer.Exit(output.FAILED)


def show_budgets(as_json: AsJson = False) -> None:
    """How soon each alert is told: promised, simulated, last drilled. Exit code 1 when one is late."""
    with opened() as plane:
        budgets = list_budgets(
            plane.content.watch.rules, simulated=read_simulated(MONITORING), ledger=plane.ledger
        )
    late = [one for one in budgets if not one.is_kept]
    if as_json:
        output.show_json([_describe_budget(one) for one in budgets])
    else:
        columns = (
            Text(ja="規則", en="Rule"),
            Text(ja="約束(秒)", en="Promised (s)"),
            Text(ja="シミュレーション(秒)", en="Simulated (s)"),
            Text(ja="直近の訓練(秒)", en="Last drill (s)"),
            Text(ja="呼び出しまで(秒)", en="Paged (s)"),
        )
        output.show_table(columns, [_budget_row(one) for one in budgets])
    if late:
        raise typer.Exit(output.FAILED)


def _budget_row(budget: Budget) -> list[str]:
    drilled = budget.drilled
    return [
        budget.rule.name if budget.is_kept else f"✗ {budget.rule.name}",
        f"{budget.promised_s:g}",
        f"{budget.simulated.total_s:g}" if budget.simulated else "–",
        f"{drilled.detect_s:g}" if drilled else "–",
        f"{drilled.page_s:g}" if drilled and drilled.page_s is not None else "–",
    ]


def _describe_budget(budget: Budget) -> dict[str, object]:
    return {
        "rule": budget.rule.name,
        "promised_s": budget.promised_s,
        "simulated_s": budget.simulated.total_s if budget.simulated else None,
        "drilled": asdict(budget.drilled) if budget.drilled else None,
        "is_kept": budget.is_kept,
    }


def _show_simulated(found: Sequence[Simulated], watch: Watch) -> None:
    promised = {rule.name: rule.budget_s for rule in watch.rules}
    columns = (
        Text(ja="規則", en="Rule"),
        Text(ja="鳴るまで(秒)", en="Fires after (s)"),
        Text(ja="届くまで(秒)", en="Told after (s)"),
        Text(ja="約束(秒)", en="Promised (s)"),
    )
    rows = [[one.rule, str(one.fires_s), f"{one.total_s:g}", f"{promised[one.rule]:g}"] for one in found]
    output.show_table(columns, rows)


def load_content() -> Watch:
    """The watch as the settings find it."""
    return load_watch(load(OpsSettings).runbook_dir)


def list_differences(made: dict[str, str]) -> list[str]:
    """Names below monitoring/ whose file is missing, different, or no longer made."""
    written = {
        str(path.relative_to(MONITORING))
        for folder in _OWNED
        for path in (MONITORING / folder).glob("*")
        if path.is_file()
    }
    different = [
        name
        for name, text in made.items()
        if not (MONITORING / name).exists() or (MONITORING / name).read_text() != text
    ]
    return sorted({*different, *(written - set(made))})


def find_promtool() -> Promtool:
    """promtool of this machine's tools. Raises Refused when there is none."""
    settings = load(MachineSettings)
    tools = find_tools(find_layout(settings), settings, may_fetch=False)
    if "promtool" not in tools.found:
        raise Refused(
            Text(ja="promtool がありません", en="There is no promtool"),
            hint=Text(ja="`make up` が取り寄せます。", en="`make up` fetches it."),
            code="rules.no_promtool",
        )
    return Promtool(Path(tools.found["promtool"].path))


def _test_files(promtool: Promtool) -> str:
    """What promtool says against the written files; empty when it is content."""
    said = []
    for arguments in (
        ("check", "rules", *sorted(str(path) for path in (MONITORING / "rules").glob("*.yml"))),
        ("test", "rules", *sorted(str(path) for path in (MONITORING / "tests").glob("*.yml"))),
    ):
        verdict = promtool.run(*arguments, cwd=MONITORING)
        said += [] if verdict.passed else [verdict.said]
    return "\n".join(said)


def _severity(rule: AlertRule) -> str:
    word = output.word("severity", rule.severity)
    return f"{word} (SEV{rule.sev})" if rule.sev else word


def _describe(rule: AlertRule) -> dict[str, object]:
    return {
        "name": rule.name,
        "title": output.say(rule.title),
        "expr": expression_of(rule),
        "for_s": rule.for_s,
        "labels": rule.labels,
        "pagerduty": rule.pagerduty,
        "budget_s": rule.budget_s,
        "why": output.say(rule.why),
        "examples": [
            {"says": output.say(example.says), "fires_after_s": example.fires_after_s}
            for example in rule.examples
        ],
    }
