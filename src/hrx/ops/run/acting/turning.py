"""Powers to replace a key that somebody else made or checks, while the former one goes on to count.

The new one is proved first, written newest first where settings are kept, then given to the programs; the
former is dropped by a second run, after the overlap. What is kept and what programs have are two places: a
run that died between them finds out where it stood from the two, and goes on."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Conflict, NotFound, Refused, Text, Unavailable
from hrx.kit.secrets import list_accepted
from hrx.kit.settings import SecretStr
from hrx.ops.ledger.entries import Kind
from hrx.ops.release.environments.candidates import drop_candidate, find_candidate, keep_candidate
from hrx.ops.release.environments.fingerprints import load_key
from hrx.ops.release.environments.keeping import Held, Keeper
from hrx.ops.release.environments.opening import find_source, get_keeper
from hrx.ops.release.environments.proving import Standing, list_provable, prove_key
from hrx.ops.release.environments.schema import list_known
from hrx.ops.release.releases import Environment
from hrx.ops.run.acting.keys import KEY_CHANGED, find_change, list_stale, start_fallen
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.plane import Plane
from hrx.ops.targets.machine.secrets import GENERATED

_PLACED: Final = "placed"
_RETIRED: Final = "retired"
_TAKEN_BACK: Final = "taken_back"
#: They change over by slots, without a gap; every other holder is restarted on the spot.
_BY_SLOTS: Final = frozenset({"api-blue", "api-green", "worker"})


class KeyNotAccepted(Refused):
    """Its issuer does not let the key in, or could not be asked: nothing is changed on its account."""

    code = "rotation.key_not_accepted"


class OverlapNotOver(Refused):
    """The former key still counts for those who have not changed over."""

    code = "rotation.overlap_not_over"


def open_keeper(plane: Plane) -> Keeper:
    """Where the secrets of the environment that runs here are kept. Raises NotFound, Invalid."""
    environment = Environment(plane.settings.environment)
    return get_keeper(plane.settings, environment, env_file=plane.target.env_file)


def find_due_at(plane: Plane, name: str) -> datetime | None:
    """From when on the former key may be dropped; None when it was not placed by a run."""
    placed = find_change(plane, KEY_CHANGED, name=name, what=_PLACED)
    return placed.at + timedelta(seconds=plane.settings.rotation_overlap_s) if placed else None


def _place(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    name, keeper = params["name"], open_keeper(plane)
    held = keeper.read_one(name)
    keys = list_accepted(held.value)
    candidate = _find_or_make_candidate(plane, name, keys)
    if candidate is None:
        return {"placed": False, "keys": len(keys), "kept_in": keeper.says}
    if candidate not in keys:
        _refuse_third(name, keys)
        _require_accepted(plane, name, candidate)
        keeper.replace(name, f"{candidate},{keys[0]}", held=held)
    parts = plane.target.give_variable(name, keeper.read_one(name).value)
    evidence = _note(plane, name, _PLACED, parts, keeper=keeper, key=candidate)
    drop_candidate(plane.settings.var_dir, name)
    return evidence


def _take_back(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    """The former key alone, as before; harmless when it is so. A candidate waits on for the next run."""
    name, keeper = params["name"], open_keeper(plane)
    return _keep_only(plane, name, keeper, at=-1, what=_TAKEN_BACK)


def _retire(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    """The newest alone. Refused before the overlap is over, while a program still has the former alone, and
    when the issuer does not let the newest in."""
    name, keeper = params["name"], open_keeper(plane)
    keys = list_accepted(keeper.read_one(name).value)
    if len(keys) > 1:
        _refuse_early(plane, name)
        _refuse_stale(plane, name)
        _require_accepted(plane, name, keys[0])
    return _keep_only(plane, name, keeper, at=0, what=_RETIRED)


def _keep_only(plane: Plane, name: str, keeper: Keeper, *, at: int, what: str) -> Evidence:
    held = keeper.read_one(name)
    keys = list_accepted(held.value)
    _require_any(name, keys)
    key = keys[at]
    if len(keys) > 1:
        keeper.replace(name, key, held=held)
    elif _is_given(plane, name, key):
        return {"changed": False, "keys": 1, "kept_in": keeper.says}
    return _note(plane, name, what, plane.target.give_variable(name, key), keeper=keeper, key=key)


def _restart_others(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    """Whoever checks begins with both before whoever sends is given the new one."""
    name = params["name"]
    holders = [part for part in _list_holders(plane, name) if part not in _BY_SLOTS]
    stale = list_stale(plane, holders)
    # The console checks what others send to it.
    for part in sorted(stale, key=lambda part: part != "ops"):
        plane.target.restart_part(part, timeout_s=timeout_s / len(stale) / 2)
    started = start_fallen(plane, holders, timeout_s=timeout_s / 2)
    keys = list_accepted(open_keeper(plane).read_one(name).value)
    handed = list(plane.target.hand_to_senders(name, keys[0]))
    return {"restarted": stale, "started": started, "handed_to": handed}


def _prove_in_use(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    """Every running holder began with what is kept, and the issuer lets its newest key in."""
    name = params["name"]
    keys = list_accepted(open_keeper(plane).read_one(name).value)
    _require_any(name, keys)
    standing = _ask_issuer(plane, name, keys[0])

    def seen() -> Look:
        stale = list_stale(plane, _list_holders(plane, name))
        is_good = not stale and standing in (None, Standing.ACCEPTED)
        said = standing.value if standing else "-"
        return Look(
            is_good=is_good,
            evidence={"with_former_keys": stale, "issuer": said, "keys": len(keys)},
            says=Text(
                ja=f"以前の鍵のまま: {' '.join(stale) or '-'}、発行者: {said}",
                en=f"still with the former key: {' '.join(stale) or '-'}; the issuer: {said}",
            ),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


def _find_or_make_candidate(plane: Plane, name: str, keys: tuple[str, ...]) -> str | None:
    """The new key; None when it is in its place already. Raises NotFound without one."""
    _require_any(name, keys)
    var = plane.settings.var_dir
    found = find_candidate(var, name)
    if found is not None or len(keys) > 1:
        return found
    if name not in GENERATED:
        raise NotFound(
            Text(ja=f"{name} の新しい鍵がありません", en=f"There is no new key for {name}"),
            hint=Text(
                ja=f"発行者の画面で作り、`hrx settings rotate {name}` で渡してください。",
                en=f"Make one on the issuer's page, and give it to `hrx settings rotate {name}`.",
            ),
            code="rotation.no_candidate",
        )
    keep_candidate(var, name, secrets.token_urlsafe(GENERATED[name]))
    return find_candidate(var, name)


def _require_any(name: str, keys: tuple[str, ...]) -> None:
    if not keys:
        raise NotFound(
            Text(ja=f"{name} は設定されていません", en=f"{name} is not set"),
            hint=Text(
                ja=f"{name} を .env か設定の置き場所に書き、`make up` のあとで交換してください。",
                en=f"Put {name} into .env or where settings are kept, run `make up`, then rotate it.",
            ),
            code="rotation.not_set",
        )


def _refuse_third(name: str, keys: tuple[str, ...]) -> None:
    if len(keys) > 1:
        raise Conflict(
            Text(
                ja=f"{name} は前の交換が終わっていません({len(keys)} 個が有効)",
                en=f"The rotation of {name} before this one is not over: {len(keys)} keys count",
            ),
            hint=Text(
                ja=f"`hrx settings rotate {name}` で先に古い鍵を外してください。",
                en=f"Retire the former key first: `hrx settings rotate {name}`.",
            ),
            code="rotation.not_over",
        )


def _refuse_early(plane: Plane, name: str) -> None:
    due_at = find_due_at(plane, name)
    if due_at is not None and clock.now() < due_at:
        raise OverlapNotOver(
            Text(
                ja=f"{name} は {due_at:%Y-%m-%d %H:%M} UTC まで新旧両方を受け付けます",
                en=f"Both keys of {name} count until {due_at:%Y-%m-%d %H:%M} UTC",
            ),
            hint=Text(
                ja=f"そのあとで `hrx settings rotate {name}` を実行してください(HRX_ROTATION_OVERLAP_S)。",
                en=f"Run `hrx settings rotate {name}` after that (HRX_ROTATION_OVERLAP_S).",
            ),
        )


def _refuse_stale(plane: Plane, name: str) -> None:
    stale = list_stale(plane, _list_holders(plane, name))
    if stale:
        raise Conflict(
            Text(
                ja=f"まだ以前の鍵だけで動いています: {' '.join(stale)}",
                en=f"Still running with the former key alone: {' '.join(stale)}",
            ),
            hint=Text(
                ja="その部品を再起動してから、もう一度実行してください。",
                en="Restart these parts, then run this again.",
            ),
            code="rotation.still_in_use",
        )


def _require_accepted(plane: Plane, name: str, key: str) -> None:
    standing = _ask_issuer(plane, name, key)
    if standing in (None, Standing.ACCEPTED):
        return
    is_refused = standing is Standing.REFUSED
    if is_refused:
        # It would be refused for ever: the next run asks for another one.
        drop_candidate(plane.settings.var_dir, name)
    raise KeyNotAccepted(
        Text(
            ja=f"発行者が {name} の新しい鍵を" + ("断りました" if is_refused else "確かめられません"),
            en=f"The issuer {'refuses' if is_refused else 'cannot be asked about'} the new key of {name}",
        ),
        hint=Text(
            ja=f"何も変えていません。`hrx settings prove {name} --stdin` で確かめてください。",
            en=f"Nothing was changed. See `hrx settings prove {name} --stdin`.",
        ),
    )


def _ask_issuer(plane: Plane, name: str, key: str) -> Standing | None:
    """What the issuer thinks of a key; None for one whose issuer cannot be asked."""
    if name not in list_provable():
        return None
    environment = Environment(plane.settings.environment)
    source = find_source(plane.settings, environment)
    if source is None:
        raise Unavailable(
            Text(ja="設定の置き場所が分かりません", en="Nobody said where settings are"),
            code="settings.no_source",
        )
    return prove_key(
        name,
        SecretStr(key),
        values=source.read().values,
        known={known.name: known for known in list_known()},
        environment=environment,
        timeout_s=plane.settings.settings_timeout_s,
    ).standing


def _is_given(plane: Plane, name: str, value: str) -> bool:
    """Whether the newest entry says that programs were given this value."""
    newest = find_change(plane, KEY_CHANGED, name=name)
    return newest is None or newest.body.get("value") == _mark(plane, value)


def _list_holders(plane: Plane, name: str) -> list[str]:
    changed = find_change(plane, KEY_CHANGED, name=name)
    return list(changed.body["parts"]) if changed is not None else []


def _note(
    plane: Plane, name: str, what: str, parts: tuple[str, ...], *, keeper: Keeper, key: str
) -> Evidence:
    """On record: which programs hold another list of keys from now on. Of the keys a keyed fingerprint."""
    held: Held = keeper.read_one(name)
    body = {
        "change": KEY_CHANGED,
        "name": name,
        "what": what,
        "parts": list(parts),
        "kept_in": keeper.says,
        "newest": _mark(plane, key),
        "value": _mark(plane, held.value),
    }
    entry = plane.ledger.append(Kind.CONTAINMENT, actor="run", subject="secrets", body=body)
    return {
        "changed": True,
        "parts": list(parts),
        "keys": len(list_accepted(held.value)),
        "kept_in": keeper.says,
        "fingerprint": body["newest"],
        "at": entry.at.isoformat(),
    }


def _mark(plane: Plane, value: str) -> str:
    return load_key(plane.settings.fingerprint_key_location).of(value)


_NAME: Final = ("name",)

ACTIONS: Final = (
    ActionSpec(
        id="turning.place",
        title=Text(ja="新しい鍵を古い鍵の前に置く", en="Put the new key before the former one"),
        only_reads=False,
        perform=_place,
        params=_NAME,
    ),
    ActionSpec(
        id="turning.take_back",
        title=Text(ja="古い鍵だけに戻す", en="Go back to the former key alone"),
        only_reads=False,
        perform=_take_back,
        params=_NAME,
    ),
    ActionSpec(
        id="turning.restart_others",
        title=Text(ja="運用側のものを動かし直す", en="Restart what operations hold it with"),
        only_reads=False,
        perform=_restart_others,
        params=_NAME,
    ),
    ActionSpec(
        id="turning.retire",
        title=Text(ja="古い鍵を外す", en="Drop the former key"),
        only_reads=False,
        perform=_retire,
        params=_NAME,
    ),
    ActionSpec(
        id="turning.prove_in_use",
        title=Text(ja="新しい鍵が使われていることを確かめる", en="Prove that the new key is in use"),
        only_reads=True,
        perform=_prove_in_use,
        params=_NAME,
    ),
)
