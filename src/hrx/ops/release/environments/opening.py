"""Which place keeps the settings of an environment, from one line of settings."""

from __future__ import annotations

from pathlib import Path

from hrx.kit.errors import Invalid, NotFound, Text
from hrx.ops.release.environments.aws import AwsSource
from hrx.ops.release.environments.files import FileSource, MachineSource
from hrx.ops.release.environments.keeping import FileKeeper, Keeper, MachineKeeper
from hrx.ops.release.environments.source import Source
from hrx.ops.release.environments.vault import VaultSource
from hrx.ops.release.releases import Environment
from hrx.ops.settings import OpsSettings


def find_source(settings: OpsSettings, environment: Environment) -> Source | None:
    """Where its settings are; None when nobody said so and it is not the environment that runs here.

    Raises Invalid for a line that names no place."""
    line = {
        Environment.DEVELOPMENT: settings.settings_development,
        Environment.STAGING: settings.settings_staging,
        Environment.PRODUCTION: settings.settings_production,
    }[environment]
    if not line:
        return MachineSource(var=settings.var_dir) if environment == settings.environment else None
    kind, _, rest = line.partition(":")
    if kind == "machine":
        return MachineSource(var=settings.var_dir)
    if kind == "env-file" and rest:
        return FileSource(path=Path(rest))
    first, _, path = rest.partition("/")
    if kind == "aws" and first and path:
        return AwsSource(
            path, region=first, timeout_s=settings.settings_timeout_s, endpoint=settings.settings_aws_url
        )
    if kind == "vault" and first and path:
        return _open_vault(settings, first, path)
    raise Invalid(
        Text(
            ja=f"HRX_SETTINGS_{environment.upper()} が置き場所を表していません: {kind}",
            en=f"HRX_SETTINGS_{environment.upper()} names no place: {kind}",
        ),
        hint=Text(
            ja="machine、env-file:パス、aws:リージョン/接頭辞、vault:マウント/パス のいずれかです。",
            en="One of machine, env-file:PATH, aws:REGION/PREFIX, vault:MOUNT/PATH.",
        ),
        code="settings.no_such_source",
    )


def get_keeper(settings: OpsSettings, environment: Environment, *, env_file: Path) -> Keeper:
    """Where a secret of this environment is replaced. `env_file`: what a person of this machine set.

    Raises Invalid for a line that names no place, NotFound when nobody said where."""
    source = find_source(settings, environment)
    match source:
        case MachineSource(var=var):
            return MachineKeeper(secrets_file=var / "secrets.env", env_file=env_file)
        case FileSource(path=path):
            return FileKeeper(path=path)
        case AwsSource() | VaultSource():
            return source
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


def _open_vault(settings: OpsSettings, mount: str, path: str) -> Source:
    if settings.vault_url is None or settings.vault_token is None:
        raise Invalid(
            Text(ja="Vault の URL かトークンがありません", en="Vault's URL or token is missing"),
            hint=Text(
                ja="HRX_VAULT_URL と HRX_VAULT_TOKEN を設定してください。",
                en="Set HRX_VAULT_URL and HRX_VAULT_TOKEN.",
            ),
            code="settings.no_vault",
        )
    return VaultSource(
        mount,
        path,
        url=settings.vault_url,
        token=settings.vault_token,
        timeout_s=settings.settings_timeout_s,
        namespace=settings.vault_namespace,
    )
