"""The backups' key at a start of the stack: made when nothing was ever backed up, loudly missed later."""

from __future__ import annotations

from dataclasses import dataclass

from hrx.kit.errors import HrxError, Refused, Text
from hrx.ops.recovery.keys import create_key, load_keyring, require_keys
from hrx.ops.recovery.places import PlaceUnavailable
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.vault import list_keys_needed


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAtStart:
    """`made`: it is new, so a copy is to be kept elsewhere. `lost`: what is lost without it, and what to do;
    None when all is well."""

    made: bool
    lost: Text | None


def ensure_key(site: Site) -> KeyAtStart:
    """Make the key when there is no backup that another could open.

    Raises Refused when it would lie among the backups: whoever gets those would have it, and a lost disk
    would take both."""
    _refuse_among_backups(site)
    try:
        needed = list_keys_needed(site.folder)
        if not site.key_file.exists() and not needed and not any(site.folder.list_files()):
            create_key(site.key_file)
            return KeyAtStart(made=True, lost=None)
        keyring = load_keyring(site.key_file)
        require_keys(keyring, needed=needed)
    except PlaceUnavailable as error:
        return KeyAtStart(made=False, lost=_lost(error, names=""))
    except HrxError as error:
        return KeyAtStart(made=False, lost=_lost(error, names=", ".join(sorted(needed))))
    return KeyAtStart(made=False, lost=None)


def _lost(error: HrxError, *, names: str) -> Text:
    hint = error.hint or Text(ja="", en="")
    which = Text(ja=f"(必要な鍵: {names})", en=f" (keys needed: {names})") if names else Text(ja="", en="")
    return Text(
        ja=f"バックアップ: {error.message.ja}{which.ja} {hint.ja}",
        en=f"backups: {error.message.en}{which.en} {hint.en}",
    )


def _refuse_among_backups(site: Site) -> None:
    key, backups = site.key_file.resolve(), site.backup_dir.resolve()
    if not key.is_relative_to(backups):
        return
    raise Refused(
        Text(
            ja=f"バックアップの鍵 {key} がバックアップのフォルダ {backups} の中にあります。",
            en=f"The backups' key {key} lies inside the folder of the backups, {backups}.",
        ),
        hint=Text(
            ja="鍵のファイルを別の場所に移し、HRX_BACKUP_KEY_FILE でその場所を指定してください。",
            en="Move the key file to another place and name that in HRX_BACKUP_KEY_FILE.",
        ),
        code="recovery.key_among_backups",
    )
