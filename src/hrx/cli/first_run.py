"""Who may sign in after a first start: the demo company's people, and one operator.

Passwords are made once, shown once, and kept in the 0600 file of secrets; nobody has a known default."""

from __future__ import annotations

import json
from dataclasses import dataclass

from hrx.cli import output
from hrx.kit.errors import Text
from hrx.kit.settings import load
from hrx.ops.ledger.entries import open_ledger
from hrx.ops.operators.accounts import create_operator, list_operators
from hrx.ops.operators.roles import Role
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine import database, environment
from hrx.ops.targets.machine.progress import Report, step
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.machine.stack import Running

FIRST_OPERATOR = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIns:
    """What to show of the doors: names always, passwords only on the start that made them."""

    portal: str
    ops: str
    kept_in: Text


def prepare_sign_ins(running: Running, settings: MachineSettings, *, report: Report) -> SignIns:
    """Load the demo company and make the first operator where they are missing."""
    shown = running.layout.run / "sign-ins-shown"
    is_first = not shown.exists()
    people = ""
    if settings.demo:
        with step(report, ja="デモ会社", en="demo company") as ongoing:
            people, is_new = _ensure_demo(running, settings)
            if not is_new:
                ongoing.unchanged()
    operator = _ensure_operator(running)
    password = running.secrets["HRX_DEMO_PASSWORD"]
    shown.touch(mode=0o600)
    where = running.layout.secrets_file
    return SignIns(
        portal=f"{people} / {password}" if people and is_first else people,
        ops=operator,
        kept_in=Text(
            ja=f"パスワードは今回だけ表示します。保管場所: {where}(所有者のみ読めます)",
            en=f"Passwords are shown this once; they are kept in {where} (mode 0600).",
        )
        if is_first
        else Text(ja=f"パスワードの保管場所: {where}", en=f"Passwords are kept in {where}."),
    )


def _ensure_demo(running: Running, settings: MachineSettings) -> tuple[str, bool]:
    """The demo's main accounts, and whether the company was loaded now; asked of the loader once only."""
    stamp = running.layout.run / "demo.json"
    identity = running.system_identifier
    try:
        known = json.loads(stamp.read_text())
        if identity is not None and known["system"] == identity:
            return str(known["people"]), False
    except (OSError, ValueError, KeyError):
        pass
    people = _load_demo(running, settings)
    stamp.write_text(json.dumps({"system": identity, "people": people}) + "\n")
    return people, True


def _load_demo(running: Running, settings: MachineSettings) -> str:
    """The demo's main account; the loader prints its accounts as JSON."""
    variables = environment.app_environment(
        running.layout,
        settings,
        ports=running.ports,
        endpoints=running.endpoints,
        secrets=running.secrets,
        commit="",
    )
    said = database.load_demo(
        running.layout, variables={**variables, "HRX_DEMO_PASSWORD": running.secrets["HRX_DEMO_PASSWORD"]}
    )
    try:
        accounts = json.loads(said.strip().splitlines()[-1])["accounts"]
        # The HR manager sees most of what there is to see.
        accounts.sort(key=lambda account: account["role"] != "hr")
        return ", ".join(str(account["email"]) for account in accounts[:2])
    except (ValueError, KeyError, IndexError, TypeError):
        return output.say(Text(ja="デモ会社のアカウント", en="accounts of the demo company"))


def _ensure_operator(running: Running) -> str:
    """The first operator when the ledger has none; the password is said only then."""
    environment.read_stack_environment(running.layout)
    ledger = open_ledger(load(OpsSettings).ledger_location)
    existing = list_operators(ledger)
    if existing:
        return existing[0].name
    password = running.secrets["HRX_OPERATOR_PASSWORD"]
    create_operator(ledger, FIRST_OPERATOR, role=Role.ADMIN, password=password, by="hrx up")
    return f"{FIRST_OPERATOR} / {password}"
