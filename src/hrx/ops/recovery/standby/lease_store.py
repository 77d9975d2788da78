"""The lease as an object of a store with conditional writes (S3: If-None-Match and If-Match)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, cast

import obstore
import orjson
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import ObjectStore

from hrx.kit.errors import Text
from hrx.ops.recovery.places import PlaceUnavailable, unavailable
from hrx.ops.recovery.standby.lease import Ask, Lease, Seen

NAME: Final = "lease.json"


class LeaseTaken(PlaceUnavailable):
    """Somebody else wrote first."""

    code = "standby.lease_taken"


@dataclass(frozen=True, slots=True)
class LeaseStore:
    """One lease. The store's time limits must be well below the lease's own, and it must not try again by
    itself: an answer that comes late is worth nothing."""

    store: ObjectStore
    says: str

    def read(self) -> Seen | None:
        """None where nobody ever held it. Raises PlaceUnavailable."""
        try:
            found = obstore.get(self.store, NAME)
            told: dict[str, Any] = orjson.loads(bytes(found.bytes()))
            return Seen(lease=Lease(**told), tag=str(found.meta["e_tag"]))
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise unavailable(self.says, OSError("NoSuchBucket")) from error
            return None
        except (BaseError, OSError, ValueError, TypeError) as error:
            raise unavailable(self.says, OSError(type(error).__name__)) from error

    def put(self, ask: Ask) -> str:
        """Gives the new tag. Raises LeaseTaken, or PlaceUnavailable when nobody knows whether it counts."""
        mode: Any = "create" if ask.only_if is None else {"e_tag": ask.only_if}
        try:
            content = orjson.dumps(asdict(ask.lease))
            done = obstore.put(self.store, NAME, content, mode=mode, use_multipart=False)
        except (AlreadyExistsError, PreconditionError) as error:
            raise LeaseTaken(
                Text(ja="別のサーバーが先に書きました", en="Another server wrote first"),
            ) from error
        except (BaseError, OSError) as error:
            raise unavailable(self.says, OSError(type(error).__name__)) from error
        return str(cast("dict[str, Any]", done)["e_tag"])
