"""The texts of a data set as the prepared texts of its splits.

Shapes: N samples.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from stages.prepare.input_statistics import Fingerprint
from stages.shared import artifacts
from stages.shared.artifacts import Array, Ints, Sequences, Split, TextKind
from stages.shared.datasets.reading.source_texts import SourceTexts
from stages.shared.settings.sections import Dataset

# Of the data, in the line that says what is wrong with it.
NEEDS = "every row must be class, title and text in UTF-8"


class Writer:
    """Texts and words are written some at a time, and hashed as they are."""

    def __init__(self, folder: Path, source: SourceTexts, params: Dataset) -> None:
        self.problems: list[str] = []  # all are known before
        self._folder = folder
        self._kinds: dict[TextKind, Sequences] = {
            "text_bytes": source.texts,
            "tokens": source.words,
        }
        self._text_length = params.text_length
        self._num_words = np.zeros(1, dtype=np.int64)  # of each text of train

    def write_split(self, split: Split, rows_N: Ints, fingerprint: Fingerprint) -> None:
        """Write the texts of these rows, which become the split."""
        for kind, sequences in self._kinds.items():
            length_N = sequences.lengths(rows_N)
            if split == "train" and kind == "tokens":
                self._num_words = length_N
            # How much of a text models read decides what is trained, as the text does.
            fingerprint.begin(np.int64, (len(rows_N), self._text_length))
            fingerprint.add(length_N)
            parts = _hashed(sequences.parts(rows_N), fingerprint)
            artifacts.save_sequences(self._folder, split, kind, length_N, parts)

    def described(self) -> dict[str, list[float] | list[int]]:
        """Return what meta.json says: how many characters are read, how many words there are."""
        mean, std = float(self._num_words.mean()), float(self._num_words.std())
        return {"input_shape": [self._text_length], "mean": [mean], "std": [std]}


def _hashed(parts: Iterable[Array], fingerprint: Fingerprint) -> Iterator[Array]:
    for part in parts:
        fingerprint.add(part)
        yield part
