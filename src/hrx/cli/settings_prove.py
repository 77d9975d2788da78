"""`hrx settings prove`: whether the issuers still let our keys in; no key is shown."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from hrx.cli import output
from hrx.cli.machine import join_stack
from hrx.cli.options import AsJson
from hrx.kit.errors import Invalid, NotFound, Text
from hrx.kit.settings import SecretStr, load
from hrx.ops.release.environments.looking import Desk, open_desk
from hrx.ops.release.environments.opening import find_source
from hrx.ops.release.environments.proving import (
    Proof,
    Remark,
    Standing,
    list_provable,
    prove_key,
    prove_setting,
)
from hrx.ops.release.environments.source import Reading
from hrx.ops.release.releases import Environment
from hrx.ops.settings import OpsSettings

_STANDINGS: Final = {
    Standing.ACCEPTED: Text(ja="有効", en="accepted"),
    Standing.REFUSED: Text(ja="断られた", en="refused"),
    Standing.SILENT: Text(ja="答えがない", en="no answer"),
    Standing.OFF: Text(ja="未設定(この機能は使わない)", en="not set: this is off"),
}
_REMARKS: Final = {
    Remark.ALL_RIGHTS: Text(
        ja="すべての権限を持つ。制限付きキー(rk_…)にする", en="has every right; use a restricted one (rk_…)"
    ),
    Remark.TEST_KEY: Text(ja="本番にテスト用の鍵", en="a test key in production"),
    Remark.LIVE_KEY: Text(ja="本番の鍵が本番以外にある", en="a live key outside production"),
}


def prove(
    name: Annotated[str | None, typer.Argument(help="The key's setting; without one, every issuer.")] = None,
    environment: Annotated[
        Environment | None, typer.Option("--environment", help="Whose settings; this one's by default.")
    ] = None,
    is_candidate: Annotated[
        bool,
        typer.Option("--stdin", help="Prove a key that is not in place yet: asked, or read from a pipe."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask each issuer whether our keys are let in, old and new. Exit code 1 when one is refused."""
    join_stack()
    desk = open_desk(load(OpsSettings))
    whose = environment or Environment(desk.settings.environment)
    reading = _read(desk, whose)
    proofs: tuple[Proof, ...] = (
        (_prove_candidate(desk, name, reading, whose),)
        if is_candidate
        else _prove_all(desk, [name] if name else list_provable(), reading, whose)
    )
    _show(proofs, as_json=as_json)
    if any(proof.standing is Standing.REFUSED for proof in proofs):
        raise typer.Exit(output.FAILED)


def _prove_all(
    desk: Desk, names: Sequence[str], reading: Reading, environment: Environment
) -> tuple[Proof, ...]:
    return tuple(
        proof
        for name in names
        for proof in prove_setting(
            name,
            reading.values,
            known=desk.known,
            environment=environment,
            timeout_s=desk.settings.settings_timeout_s,
        )
    )


def _prove_candidate(desk: Desk, name: str | None, reading: Reading, environment: Environment) -> Proof:
    key = (getpass.getpass("key: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()
    if name is None or not key:
        raise Invalid(
            Text(ja="名前と鍵が要ります", en="A name and a key are needed"),
            hint=Text(
                ja="`hrx settings prove HRX_OPENAI_API_KEY --stdin` とし、鍵は標準入力で渡します。",
                en="As in `hrx settings prove HRX_OPENAI_API_KEY --stdin`, with the key on standard input.",
            ),
            code="settings.no_candidate",
        )
    return prove_key(
        name,
        SecretStr(key),
        values=reading.values,
        known=desk.known,
        environment=environment,
        timeout_s=desk.settings.settings_timeout_s,
    )


def _read(desk: Desk, environment: Environment) -> Reading:
    source = find_source(desk.settings, environment)
    if source is None:
        raise NotFound(
            Text(
                ja=f"{environment} の設定の置き場所が分かりません",
                en=f"Nobody said where {environment}'s settings are",
            ),
            hint=Text(
                ja=f"HRX_SETTINGS_{environment.upper()} を設定してください。",
                en=f"Set HRX_SETTINGS_{environment.upper()}.",
            ),
            code="settings.no_source",
        )
    return source.read()


def _show(proofs: tuple[Proof, ...], *, as_json: bool) -> None:
    if as_json:
        output.show_json(
            [
                {
                    "name": proof.name,
                    "place": proof.place,
                    "standing": proof.standing.value,
                    "said": proof.said,
                    "remarks": [remark.value for remark in proof.remarks],
                }
                for proof in proofs
            ]
        )
        return
    columns = (
        Text(ja="名前", en="name"),
        Text(ja="", en=""),
        Text(ja="発行者の返事", en="the issuer"),
        Text(ja="注意", en="remark"),
    )
    newest, before = Text(ja="新", en="newest"), Text(ja="前", en="before it")
    rows = [
        (
            proof.name,
            output.say(newest if proof.place == 1 else before),
            " ".join(part for part in (output.say(_STANDINGS[proof.standing]), proof.said) if part),
            "; ".join(output.say(_REMARKS[remark]) for remark in proof.remarks),
        )
        for proof in proofs
    ]
    output.show_table(columns, rows)
