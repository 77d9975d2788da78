"""Parts of the stack that send with a secret and read it from a file of theirs, each time anew."""

from __future__ import annotations

from typing import Final

from hrx.kit.errors import Text, Unavailable
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.replacing import replace_file

HOOK_TOKEN: Final = "HRX_OPS_HOOK_TOKEN"  # noqa: S105  # the name of a secret, not one


def hand_token_to_alertmanager(layout: Layout, token: str) -> tuple[str, ...]:
    """Have Alertmanager sign in with this token from its next notification on; it reads the file each time.

    Nothing where there is no Alertmanager. Owner and mode of the file stay."""
    path = layout.var / "alertmanager" / "hook-token"
    if not path.exists():
        return ()
    replace_file(path, token)
    return ("alertmanager",)


def no_program(name: str) -> Unavailable:
    """The error for a variable that no program of this place has."""
    return Unavailable(
        Text(
            ja=f"この機械のプログラムはどれも {name} を持っていません。",
            en=f"No program of this machine has {name}.",
        ),
        hint=Text(
            ja=f"{name} を .env に書いて `make up` を実行してから、交換してください。",
            en=f"Write {name} into .env and run `make up`; then it can be rotated.",
        ),
        code="machine.no_such_variable",
    )
