"""Our own secrets, for a search: by value as far as this user may read them, else by fingerprint."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Final

from hrx.kit.settings import document
from hrx.ops.release.environments.fingerprints import FingerprintKey
from hrx.ops.release.environments.snapshots import read_snapshot
from hrx.ops.release.leaks.real import RealSecrets, know_values
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.secrets import GENERATED, read_secrets

#: The product's own, named here: asking it costs more than the scan.
_PRODUCTS: Final = {
    "HRX_DATABASE_URL", "HRX_OWNER_DATABASE_URL", "HRX_OIDC_PROVIDERS", "HRX_STRIPE_API_KEY",
    "HRX_STRIPE_WEBHOOK_SECRET", "HRX_OPENAI_API_KEY", "HRX_ANTHROPIC_API_KEY", "HRX_GOOGLE_API_KEY",
    "HRX_LLM_API_KEY",
}  # fmt: skip


def know_own(settings: OpsSettings, key: FingerprintKey) -> RealSecrets:
    """Our own secrets by value; those of environments that were taken in, by fingerprint."""
    fingerprints: dict[str, str] = {}
    for path in sorted((settings.var_dir / "ops" / "fingerprints").glob("*.json")):
        for name, entry in read_snapshot(path, key=key).entries.items():
            fingerprints |= dict.fromkeys(entry.inner, name)
    return replace(know_values(_list_values(settings)), fingerprints=fingerprints, key=key)


def _list_values(settings: OpsSettings) -> dict[str, str]:
    """Our own secrets, as far as this user may read them."""
    secret = (
        {known.variable for known in document(OpsSettings) if known.is_secret} | set(GENERATED) | _PRODUCTS
    )
    typed = {name: value for name, value in os.environ.items() if name in secret and value}
    return typed | read_secrets(settings.var_dir / "secrets.env")
