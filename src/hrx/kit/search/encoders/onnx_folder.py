"""An encoder that an installation brings as ONNX, in the form in which models are exported: pieces in, the
state of each piece out, or one vector a text."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from hrx.kit.errors import Language, Text
from hrx.kit.search.encoders.batching import encode_in_batches
from hrx.kit.search.encoders.describing import Description, EncoderWrong
from hrx.kit.search.encoders.protocol import Kind

_UNKNOWN: Final = frozenset({"[UNK]", "<unk>", "<|unk|>"})
_IDS: Final = frozenset({"input_ids", "ids"})
_MASK: Final = frozenset({"attention_mask", "mask"})


# `Any`: objects of libraries without types.
@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxEncoder:
    """Threads may share it."""

    description: Description
    session: Any
    tokenizer: Any

    @property
    def name(self) -> str:
        return self.description.name

    @property
    def revision(self) -> str:
        return self.description.revision

    @property
    def dimensions(self) -> int:
        return self.description.dimensions

    @property
    def languages(self) -> frozenset[Language]:
        return self.description.languages

    def encode(self, texts: Sequence[str], *, kind: Kind) -> list[list[float]]:
        """Raises EncoderWrong when what the model gives is not what its description says."""
        given = [self.description.prefixed(one, kind=kind) for one in texts]
        return encode_in_batches(given, self._encode)

    def unknown_share(self, texts: Sequence[str]) -> float:
        pieces = [
            piece
            for one in self.tokenizer.encode_batch(list(texts), add_special_tokens=False)
            for piece, is_filling in zip(one.tokens, one.attention_mask, strict=True)
            if is_filling
        ]
        return sum(piece in _UNKNOWN for piece in pieces) / len(pieces) if pieces else 0.0

    def _encode(self, texts: list[str]) -> list[list[float]]:
        pieces = self.tokenizer.encode_batch(texts)
        mask = np.array([one.attention_mask for one in pieces], dtype=np.int64)
        ids = np.array([one.ids for one in pieces], dtype=np.int64)
        try:
            found = self.session.run(None, {one.name: _input(one.name, ids, mask) for one in self._inputs()})
        except (RuntimeError, ValueError) as error:
            raise self._wrong(f"the model does not run ({type(error).__name__})") from error
        vectors = self._pool(self._state(found), mask)
        if vectors.shape != (len(texts), self.dimensions):
            raise self._wrong(f"vectors of {vectors.shape[-1]} numbers instead of {self.dimensions}")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise self._wrong("a vector that is none")
        return [[float(one) for one in vector] for vector in vectors / lengths]

    def _inputs(self) -> Sequence[Any]:
        inputs: Sequence[Any] = self.session.get_inputs()
        return inputs

    def _state(self, found: Sequence[Any]) -> Any:
        """The output that is pooled: the first that has a state a piece, or a vector a text."""
        rank = 2 if self.description.pooling == "none" else 3
        state = next((np.asarray(one, dtype=np.float32) for one in found if np.ndim(one) == rank), None)
        if state is None:
            raise self._wrong(f"no output for pooling {self.description.pooling}")
        return state

    def _pool(self, state: Any, mask: Any) -> Any:
        if self.description.pooling == "none":
            return state
        if self.description.pooling == "cls":
            return state[:, 0]
        if self.description.pooling == "last":
            # Wherever the filling is.
            last = mask.shape[1] - 1 - np.argmax(mask[:, ::-1], axis=1)
            return state[np.arange(len(state)), last]
        weights = mask[:, :, None].astype(np.float32)
        return (state * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)

    def _wrong(self, why: str) -> EncoderWrong:
        return EncoderWrong(
            Text(ja=f"エンコーダー {self.name}: {why}", en=f"Encoder {self.name}: {why}"),
            hint=Text(
                ja="encoder.yaml をモデルに合わせて直してください。", en="Mend encoder.yaml to fit the model."
            ),
        )


def _input(name: str, ids: Any, mask: Any) -> Any:
    if name in _IDS:
        return ids
    if name in _MASK:
        return mask
    if name == "position_ids":
        return np.maximum(np.cumsum(mask, axis=1) - 1, 0)
    # Kinds of pieces: one text, one kind.
    return np.zeros_like(ids)


_opening: Final = threading.Lock()


def open_folder(description: Description) -> OnnxEncoder:
    """Opened once a process. Raises EncoderWrong."""
    with _opening:
        return _open(description)


@lru_cache(maxsize=2)
def _open(description: Description) -> OnnxEncoder:
    options = onnxruntime.SessionOptions()
    # The server has a process a core.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        tokenizer = Tokenizer.from_file(str(description.folder / description.tokenizer))
        session = onnxruntime.InferenceSession(
            str(description.folder / description.model), options, providers=["CPUExecutionProvider"]
        )
    # Both libraries raise bare exceptions of their own for files that are none.
    except Exception as error:
        raise EncoderWrong(
            Text(
                ja=f"エンコーダー {description.name} を開けません({type(error).__name__})",
                en=f"Encoder {description.name} cannot be opened ({type(error).__name__})",
            )
        ) from error
    tokenizer.enable_truncation(description.longest)
    padding = tokenizer.padding or {}
    tokenizer.enable_padding(**{**padding, "length": None})
    return OnnxEncoder(description=description, session=session, tokenizer=tokenizer)
