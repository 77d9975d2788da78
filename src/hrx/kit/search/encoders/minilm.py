"""The English encoder of the installation: all-MiniLM-L6-v2 as ONNX, on one thread."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from hrx.kit.errors import Language
from hrx.kit.search.encoders.batching import encode_in_batches
from hrx.kit.search.encoders.places import file_for, tokenizer_file
from hrx.kit.search.encoders.protocol import Kind

DIMENSIONS: Final = 384
#: Pieces of words; what is beyond them is not part of the vector.
_LONGEST: Final = 256
_UNKNOWN: Final = "[UNK]"


# `Any`: objects of libraries without types.
@dataclass(frozen=True, slots=True, kw_only=True)
class MiniLm:
    """Threads may share it. About 1 ms a question, 10 ms a passage of 600 letters."""

    session: Any
    tokenizer: Any
    revision: str
    name: str = "minilm"
    dimensions: int = DIMENSIONS
    languages: frozenset[Language] = frozenset({"en"})

    def encode(self, texts: Sequence[str], *, kind: Kind) -> list[list[float]]:
        """`kind` makes no difference to this one."""
        return encode_in_batches(texts, self._encode)

    def unknown_share(self, texts: Sequence[str]) -> float:
        pieces = [
            piece
            for one in self.tokenizer.encode_batch(list(texts), add_special_tokens=False)
            for piece in one.tokens
        ]
        return pieces.count(_UNKNOWN) / len(pieces) if pieces else 0.0

    def _encode(self, texts: list[str]) -> list[list[float]]:
        pieces = self.tokenizer.encode_batch(texts)
        given = {
            "ids": np.array([one.ids for one in pieces], dtype=np.int64),
            "mask": np.array([one.attention_mask for one in pieces], dtype=np.int64),
        }
        [vectors] = self.session.run(["vectors"], given)
        return [[float(one) for one in vector] for vector in vectors]


_opening: Final = threading.Lock()


def find_minilm() -> MiniLm | None:
    """The encoder, opened once a process (0.2 s, 60 MB); None where it is not installed, or its file is not
    what its name says."""
    file, tokenizer = file_for(), tokenizer_file()
    if file is None or tokenizer is None:
        return None
    with _opening:
        return _open(file, tokenizer)


@lru_cache(maxsize=1)
def _open(file: Path, tokenizer: Path) -> MiniLm | None:
    content = file.read_bytes()
    revision = f"minilm-{hashlib.sha256(content).hexdigest()[:16]}"
    if file.stem != revision:
        return None
    options = onnxruntime.SessionOptions()
    # The server has a process a core.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    cutting = Tokenizer.from_file(str(tokenizer))
    cutting.enable_truncation(_LONGEST)
    cutting.enable_padding()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return MiniLm(session=session, tokenizer=cutting, revision=revision)
