"""Prepared texts as models read them: as characters or as words, made when they are asked for.

Shapes: N samples, B batch, L characters, A bytes, W words.
"""

import sys
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from stages.shared import artifacts
from stages.shared.artifacts import Ints, Meta, Split, TextKind
from stages.shared.samples.decoding import MOST_RESIDENT
from stages.shared.samples.loading import Rows

# Conneau et al. 2017 (arXiv 1606.01781, section 3.2): 69 with space, padding and unknown.
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/|_#$%^&*~`+=<>()[]{}"
PADDING, UNKNOWN, SPACE, FIRST = range(4)
NUM_CHARACTERS = FIRST + len(ALPHABET)
# Of a character beyond ASCII, the first byte stands for all of it.
MOST_BYTES = 4
FIRST_BYTE, LATER_BYTE = 0xC0, 0x80


def _ids() -> Tensor:
    """Return the id of the character that a byte stands for, int64 [256]; letters are lowered."""
    id_256 = torch.full((256,), UNKNOWN)
    id_256[ord(" ")] = SPACE
    for place, letter in enumerate(ALPHABET, start=FIRST):
        id_256[ord(letter)] = id_256[ord(letter.upper())] = place
    return id_256


ID_256 = _ids()


@dataclass(frozen=True)
class Flat:
    """Sequences of numbers, those of one after those of another, where they are gathered."""

    value_A: Tensor
    offset_N1: Tensor

    def gather(self, row_B: Tensor, most: int = sys.maxsize) -> tuple[Tensor, Tensor]:
        """Return the numbers of some sequences [A], of each the first `most`, and how many [B]."""
        start_B = self.offset_N1[row_B]
        length_B = (self.offset_N1[row_B + 1] - start_B).clamp(max=most)
        # Of each number its place, as if all stood together, added to how far they are moved.
        moved_B = start_B - (length_B.cumsum(0) - length_B)
        index_A = torch.repeat_interleave(moved_B, length_B)
        index_A += torch.arange(len(index_A), device=index_A.device)
        return self.value_A[index_A], length_B


class Texts:
    """The texts of a split: bytes and words come to the device when the first model asks for them.

    What is too large for it stays on disk, as on a processor all does: pages that several
    processes share.
    """

    def __init__(self, prepared: Path, split: Split, text_length: int, device: torch.device):
        self.text_length = text_length
        self.device = device
        self._prepared = prepared
        self._split = split

    @cached_property
    def bytes_(self) -> Flat:
        """UTF-8 of the texts."""
        return self._load("text_bytes")

    @cached_property
    def words(self) -> Flat:
        """What stands for the words."""
        return self._load("tokens")

    def _load(self, kind: TextKind) -> Flat:
        sequences = artifacts.load_sequences(self._prepared, self._split, kind)
        with warnings.catch_warnings():  # torch warns of what is read-only; nobody writes here
            warnings.simplefilter("ignore", UserWarning)
            values_and_offsets = [torch.from_numpy(part) for part in vars(sequences).values()]
        fits = sequences.value_A.nbytes <= MOST_RESIDENT
        return Flat(*(part.to(self.device) if fits else part for part in values_and_offsets))


@dataclass(frozen=True)
class TextBatch:
    """Some texts, which a model takes the characters or the words of."""

    texts: Texts
    row_B: Tensor  # of the split

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.row_B)

    @property
    def device(self) -> torch.device:
        """Where models read."""
        return self.texts.device

    def characters(self) -> Tensor:
        """Return the ids of the first L characters in the alphabet, int64 [B, L].

        Letters are lowered; what is not in the alphabet is UNKNOWN, a character beyond ASCII once,
        whatever its bytes; what is missing after a text is PADDING.
        """
        flat, length = self.texts.bytes_, self.texts.text_length
        byte_A, num_B = flat.gather(self.row_B.to(flat.offset_N1.device), MOST_BYTES * length)
        begins_A = (byte_A & FIRST_BYTE) != LATER_BYTE
        count_A = begins_A.cumsum(0)
        before_B = torch.cat([count_A.new_zeros(1), count_A])[num_B.cumsum(0) - num_B]
        place_A = count_A - 1 - torch.repeat_interleave(before_B, num_B)
        text_A = torch.repeat_interleave(torch.arange(len(num_B), device=num_B.device), num_B)
        is_read_A = begins_A & (place_A < length)
        id_BL = torch.full((len(num_B), length), PADDING, device=num_B.device)
        id_A = ID_256.to(num_B.device)[byte_A[is_read_A].int()]
        id_BL[text_A[is_read_A], place_A[is_read_A]] = id_A
        return id_BL.to(self.device)

    def words(self) -> tuple[Tensor, Tensor]:
        """Return the words of all texts, int64 [W] in [0, 2^32), and how many each has [B]."""
        flat = self.texts.words
        word_W, num_B = flat.gather(self.row_B.to(flat.offset_N1.device))
        return (word_W.long() & 0xFFFFFFFF).to(self.device), num_B.to(self.device)


@dataclass(frozen=True)
class TextSamples:
    """Texts and classes of some rows of a split."""

    texts: Texts
    row_N: Tensor  # of the whole split, on the device
    targets_N: Tensor  # int64, on the device

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.row_N)

    def in_batches(self, batches: Iterable[Tensor]) -> Iterator[TextBatch]:
        """Yield the texts of each batch."""
        for index_B in batches:
            yield TextBatch(self.texts, self.row_N[index_B])


def load_samples(
    prepared: Path, split: Split, device: torch.device, rows_N: Ints | None = None
) -> TextSamples:
    """Return all texts and classes of a split, or those of the given rows."""
    targets_N = artifacts.load_targets(prepared, split)
    rows_N = np.arange(len(targets_N)) if rows_N is None else rows_N
    (text_length,) = artifacts.load_meta(prepared).input_shape
    return TextSamples(
        Texts(prepared, split, text_length, device),
        torch.from_numpy(rows_N).to(device),
        torch.from_numpy(targets_N[rows_N]).to(device),
    )


def read_batches(
    prepared: Path, split: Split, batches: Iterable[Rows], meta: Meta, device: torch.device
) -> Iterator[TextBatch]:
    """Yield the texts of each batch of rows."""
    texts = Texts(prepared, split, meta.input_shape[0], device)
    row_N = torch.arange(meta.num_samples[split], device=device)
    for rows in batches:
        yield TextBatch(texts, row_N[rows])


def as_inputs(batch: TextBatch, meta: Meta) -> TextBatch:
    """Return the batch: a text is read as it is."""
    del meta
    return batch


def example(meta: Meta) -> TextBatch:
    """Return a text of as many characters as are read, and of as many words as train's mean."""
    (length,), (num_words,) = meta.input_shape, map(round, meta.mean)
    texts = Texts(Path(), "train", length, torch.device("cpu"))
    texts.bytes_ = Flat(torch.full((length,), ord("a")).byte(), torch.tensor([0, length]))
    texts.words = Flat(torch.arange(num_words), torch.tensor([0, num_words]))
    return TextBatch(texts, torch.tensor([0]))
