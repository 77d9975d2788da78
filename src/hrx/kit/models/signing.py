"""Signatures of models (Ed25519): who may say what serves, whoever can write to the object store.

A signature is over the kind of record and its exact bytes. Several public keys may be trusted at once, so
that a key is changed without a moment in which nothing loads."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from hrx.kit.errors import Invalid, Refused, Text
from hrx.kit.models.records import ModelNotTrusted

_HINT: Final = Text(
    ja="使わずに、`hrx release models verify` で調べてください。鍵は HRX_MODEL_TRUSTED_KEYS にあります。",
    en="Do not use it; look with `hrx release models verify`. Trusted keys are in HRX_MODEL_TRUSTED_KEYS.",
)


class SigningKeyExposed(Refused):
    """The private key can be read by others: what was readable must be assumed read."""

    code = "model.signing_key_exposed"


class KeyInvalid(Invalid):
    """Not an Ed25519 key in the form that is asked for."""

    code = "model.key_invalid"


@dataclass(frozen=True, slots=True)
class Signer:
    """Holds the private key; prints as its public part."""

    key: Ed25519PrivateKey

    @property
    def public(self) -> str:
        """The public key, base64; this goes into HRX_MODEL_TRUSTED_KEYS."""
        return base64.b64encode(self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()

    def seal(self, kind: str, body: bytes) -> bytes:
        """The record with its signature and the signer's public key, as one object."""
        signature = base64.b64encode(self.key.sign(_signed(kind, body))).decode()
        return orjson.dumps({"body": body.decode(), "signature": signature, "key": self.public})

    def __repr__(self) -> str:
        return f"Signer({self.public})"


@dataclass(frozen=True, slots=True)
class Trust:
    """The public keys (base64) whose word counts."""

    keys: frozenset[str]

    def open(self, kind: str, sealed: bytes, *, says: str) -> bytes:
        """The record's bytes. Raises ModelNotTrusted unless a trusted key signed exactly this."""
        try:
            values = orjson.loads(sealed)
            body, key = str(values["body"]).encode(), str(values["key"])
            if key not in self.keys:
                raise _not_trusted(says, Text(ja="署名した鍵を信頼していません", en="its key is not trusted"))
            public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
            public.verify(base64.b64decode(values["signature"], validate=True), _signed(kind, body))
        except (InvalidSignature, KeyError, TypeError, ValueError, AttributeError) as error:
            raise _not_trusted(says, Text(ja="署名が合いません", en="its signature does not hold")) from error
        return body


def read_trust(keys: Iterable[str]) -> Trust:
    """Raises KeyInvalid when one of them is no public key."""
    found = frozenset(one.strip() for one in keys if one.strip())
    for one in found:
        try:
            Ed25519PublicKey.from_public_bytes(base64.b64decode(one, validate=True))
        except ValueError as error:
            raise KeyInvalid(
                Text(ja=f"公開鍵ではありません: {one[:12]}…", en=f"Not a public key: {one[:12]}…"),
                hint=Text(
                    ja="HRX_MODEL_TRUSTED_KEYS には base64 の Ed25519 公開鍵を「,」で区切って書きます。",
                    en="HRX_MODEL_TRUSTED_KEYS holds Ed25519 public keys in base64, separated by commas.",
                ),
            ) from error
    return Trust(found)


def ensure_signer(path: Path) -> Signer:
    """The private key in this file (raw, 32 bytes, mode 0600), made when there is none.

    Raises SigningKeyExposed, KeyInvalid; OSError when the folder cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_bytes(made)
        # Whoever links first made the key; a second maker finds it.
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    signer = _read_signer(path)
    publish(signer, beside=path)
    return signer


def public_file_of(path: Path) -> Path:
    """Where the public half of the key in this file is, for whoever only looks at signatures."""
    return path.with_suffix(".pub")


def publish(signer: Signer, *, beside: Path) -> None:
    """Write the public key beside the private one, so that who serves never opens that. Safe to repeat."""
    path = public_file_of(beside)
    said = f"{signer.public}\n"
    if path.is_file() and path.read_text() == said:
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(said)
    draft.replace(path)


def find_signer(path: Path) -> Signer | None:
    """The private key in this file; None when there is none. Raises SigningKeyExposed, KeyInvalid."""
    return _read_signer(path) if path.exists() else None


def _read_signer(path: Path) -> Signer:
    if path.stat().st_mode & 0o077:
        raise SigningKeyExposed(
            Text(ja=f"{path} を他の利用者が読めます。", en=f"{path} can be read by others."),
            hint=Text(
                ja=f"`chmod 600 {path}` を実行し、読まれた恐れがあれば鍵を作り直してください。",
                en=f"Run `chmod 600 {path}`, and make a new key if it may have been read.",
            ),
        )
    try:
        return Signer(Ed25519PrivateKey.from_private_bytes(path.read_bytes()))
    except ValueError as error:
        raise KeyInvalid(Text(ja=f"{path} は鍵ではありません", en=f"{path} holds no key")) from error


def _signed(kind: str, body: bytes) -> bytes:
    """The kind goes in, so that one kind of record never passes for another."""
    return f"hrx-model {kind} {hashlib.sha256(body).hexdigest()}".encode()


def _not_trusted(says: str, why: Text) -> ModelNotTrusted:
    return ModelNotTrusted(
        Text(ja=f"{says} を信頼できません: {why.ja}", en=f"{says} cannot be trusted: {why.en}"), hint=_HINT
    )
