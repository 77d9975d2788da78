"""A web build that holds a secret of the server is refused before it is part of a release.

What browsers are sent is read by everybody: a server secret in it is lost the moment it is published."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hrx.kit.errors import Refused, Text
from hrx.ops.release.environments.fingerprints import load_key
from hrx.ops.release.leaks.allowed import FILE, read_allowed
from hrx.ops.release.leaks.own import know_own
from hrx.ops.release.leaks.places import read_build
from hrx.ops.release.leaks.scanning import scan
from hrx.ops.settings import OpsSettings

_NAMED: Final = 3


class BuildHoldsSecrets(Refused):
    """A secret stands in what browsers would be sent."""

    code = "release.build_holds_secrets"


def check_portal(portal: Path, *, root: Path, settings: OpsSettings) -> None:
    """Look through what the built portal sends to browsers. `root` has the list of exceptions.

    Costs reading it once. Raises BuildHoldsSecrets naming file and line, never the value; a file that could
    not be looked at counts as one that holds something."""
    key = load_key(settings.fingerprint_key_location)
    report = scan(
        read_build(portal / ".next"),
        key=key,
        known=know_own(settings, key),
        allowed=read_allowed(root / FILE),
    )
    if report.is_clean:
        return
    found = [f"{leak.path}:{leak.line} ({leak.masked})" for leak in report.leaks] + list(report.not_looked_at)
    said = ", ".join(found[:_NAMED]) + (f" +{len(found) - _NAMED}" if len(found) > _NAMED else "")
    raise BuildHoldsSecrets(
        Text(
            ja=f"ブラウザーに送られるファイルに秘密があるか、調べられないものがあります: {said}",
            en=f"What browsers are sent holds a secret, or cannot be looked at: {said}",
        ),
        hint=Text(
            ja="原因を取り除き、使われている鍵なら `hrx settings rotate 名前` で交換してから、もう一度"
            "ビルドしてください。すべては `hrx settings leaks build` で分かります。",
            en="Remove the cause, replace a key in use (`hrx settings rotate NAME`), and build again. "
            "`hrx settings leaks build` shows all.",
        ),
    )
