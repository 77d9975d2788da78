"""What tokens cost, by day: data in `prices.yaml`, or in a file of the operator's own.

Money is counted in nano-dollars (10⁻⁹ USD), a whole number for every price per million tokens that vendors
quote: in cents nearly every call would cost nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import yaml

from hrx.app.gateway.asking import Usage
from hrx.kit.errors import Invalid, Text

SHIPPED: Final = Path(__file__).with_name("prices.yaml")
#: A price per token in nano-dollars is a thousandth of the price per million in dollars times a million.
_NANO_OF_MILLIONTH: Final = 1_000
#: Stands for every model of a vendor.
ANY_MODEL: Final = "*"


class PriceMissing(Invalid):
    """A model is to be used whose price nobody has written down: its budget could not be kept."""

    code = "gateway.price_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Nano-dollars for each token, on the days from `valid_from` until before `valid_until`."""

    vendor: str
    model: str
    valid_from: date
    valid_until: date | None
    input_nano: int
    cached_nano: int
    output_nano: int

    def cost_nano(self, usage: Usage) -> int:
        fresh = usage.input_tokens - usage.cached_tokens
        return (
            fresh * self.input_nano
            + usage.cached_tokens * self.cached_nano
            + usage.output_tokens * self.output_nano
        )


@dataclass(frozen=True, slots=True)
class PriceList:
    """All known prices, of all days."""

    prices: tuple[Price, ...]

    def get(self, vendor: str, model: str, *, on: date) -> Price:
        """The price on a day. Raises PriceMissing."""
        valid = [
            price
            for price in self.prices
            if price.vendor == vendor
            and price.model in (model, ANY_MODEL)
            and price.valid_from <= on
            and (price.valid_until is None or on < price.valid_until)
        ]
        if not valid:
            raise PriceMissing(
                Text(
                    ja=f"{vendor}:{model} の価格が {on} について定まっていません。",
                    en=f"No price is known for {vendor}:{model} on {on}.",
                ),
                hint=Text(
                    ja="価格表(HRX_LLM_PRICES_FILE)に行を加えてください。",
                    en="Add a line to the price list, and name it in HRX_LLM_PRICES_FILE.",
                ),
            )
        # A model's own line before its vendor's, the newest first.
        return max(valid, key=lambda price: (price.model != ANY_MODEL, price.valid_from))


def read_prices(path: Path = SHIPPED) -> PriceList:
    """Raises Invalid naming the line that is wrong."""
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))["prices"]
    return PriceList(tuple(_read(row, path) for row in rows))


def _read(row: Mapping[str, Any], path: Path) -> Price:
    """One line. `Any`: the file is the operator's."""
    try:
        fresh = _nano(row["input"])
        return Price(
            vendor=str(row["vendor"]),
            model=str(row["model"]),
            valid_from=row["from"],
            valid_until=row.get("until"),
            input_nano=fresh,
            cached_nano=_nano(row["cached"]) if "cached" in row else fresh,
            output_nano=_nano(row["output"]),
        )
    except (KeyError, ValueError, ArithmeticError) as error:
        raise Invalid(
            Text(
                ja=f"{path.name} の価格が読めません: {row.get('model')}({error})",
                en=f"A price in {path.name} cannot be read: {row.get('model')} ({error})",
            ),
            code="gateway.price_unreadable",
        ) from error


def _nano(usd_per_million: object) -> int:
    nano = Decimal(str(usd_per_million)) * _NANO_OF_MILLIONTH
    if nano != int(nano) or nano < 0:
        raise ValueError(f"{usd_per_million} USD per million is no whole number of nano-dollars a token")
    return int(nano)
