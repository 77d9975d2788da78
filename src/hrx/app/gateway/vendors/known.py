"""Which adapter speaks to which vendor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hrx.app.gateway.vendors.adapter import Adapter, Vendor
from hrx.app.gateway.vendors.anthropic import AnthropicAdapter
from hrx.app.gateway.vendors.google import GoogleAdapter
from hrx.app.gateway.vendors.openai import COMPATIBLE_LIMITS, OpenAiAdapter

ADAPTERS: Final[Mapping[Vendor, Adapter]] = {
    Vendor.OPENAI: OpenAiAdapter(),
    Vendor.ANTHROPIC: AnthropicAdapter(),
    Vendor.GOOGLE: GoogleAdapter(),
    Vendor.COMPATIBLE: OpenAiAdapter(
        names_limit="max_tokens", embed_limits=COMPATIBLE_LIMITS, may_shorten=False
    ),
}
