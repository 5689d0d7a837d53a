r"""Texts in the CSV form of the Amazon reviews: rows of `"class","title","text"`, without a header.

Classes are whole numbers from 1. A quote within a field stands twice; a field may hold line feeds
(Zhang et al. 2015, arXiv 1509.01626, write them as \n, which stays as it stands).

Rows become arrays as they are read: a text is its UTF-8, a word a number of 32 bits.

Shapes: N rows.
"""

import csv
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np

from stages.shared.artifacts import Ints, Sequences, Split
from stages.shared.artifacts.user_lists import require_text, separator_hint
from stages.shared.datasets.reading.class_names import used
from stages.shared.datasets.reading.sources import Source
from stages.shared.datasets.reading.user_tables import refuse_label_column
from stages.shared.errors import DataError
from stages.shared.running.workspace import located
from stages.shared.settings.sections import Dataset

LONGEST_FIELD = 2**30  # characters; Python's own limit is 131,072
NUM_FIELDS = 3
MOST_SHOWN = 20  # letters of what is no class
MOST_CLASSES = 1000  # where the data set does not say how many there are
# A word is a run of letters and digits, or any other character but white space by itself.
WORD = re.compile(rb"[a-z0-9\x80-\xff]+|[^a-z0-9\x80-\xff\s]")


class SourceTexts(NamedTuple):
    """The texts of a data set."""

    texts: Sequences  # uint8: UTF-8 of the title, a space and the text
    words: Sequences  # int32, see `hashes`


def load_reviews(params: Dataset, class_names: Sequence[str] = ()) -> Source:
    """Return the rows of dataset.root/train.csv and, where it is there, of test.csv.

    Sample ids are the file and the row in it, from 0, as in `train/17`. Rows that are not as they
    must be are left out and listed in the source's problems.

    Args:
        params: where the files lie.
        class_names: of classes 1, 2, ...; none: the numbers that occur are the names.

    Raises:
        DataError: there is no train.csv, or it holds nothing.
        ParamsError: a column of labels is set.
    """
    refuse_label_column(params, "the label is the first column")
    root = located(params.root)
    if not (root / "train.csv").is_file():
        raise DataError(
            f"dataset.root is {params.root!r}: found no train.csv in it; it must be a folder with "
            "train.csv and, if there is a test split, test.csv"
        )
    table = _Table(len(class_names) or MOST_CLASSES)
    splits: list[Split] = ["train", "test"] if (root / "test.csv").exists() else ["train"]
    num_rows = [table.read(root / f"{split}.csv") for split in splits]
    if not (num_rows[0] or table.problems):
        raise DataError(f"{root / 'train.csv'}: holds no row; it must hold class, title, text")
    counted = list(zip(splits, num_rows, strict=True))
    given = [split for split, num in counted for _ in range(num)]
    names, targets_N = list(class_names), table.targets_N
    if not names:
        numbers = [str(number + 1) for number in range(table.num_classes)]
        names, targets_N = used(str(root), numbers, targets_N)
    return Source(
        class_names=names,
        targets_N=targets_N,
        sample_ids=[f"{split}/{row}" for split, num in counted for row in range(num)],
        given_splits=given if len(splits) > 1 else None,
        inputs=table.texts(),
        problems=table.problems,
    )


def hashes(text: str) -> Iterator[int]:
    """Yield a number in [0, 2^32) for each word of a text: the CRC-32 of its UTF-8 in lower case.

    Words are runs of letters and digits, all characters beyond ASCII among them; every other
    character but white space is a word by itself.
    """
    return map(crc32, WORD.findall(text.lower().encode()))


def gathered(texts: Iterable[str]) -> SourceTexts:
    """Return texts, which are UTF-8 throughout, as compact arrays."""
    growing = _Texts()
    for text in texts:
        growing.add(text)
    return growing.arrays()


class _Texts:
    """Texts and their words, in arrays that grow."""

    def __init__(self) -> None:
        self._text, self._text_ends = bytearray(), array("q", [0])
        self._words, self._word_ends = array("I"), array("q", [0])

    def add(self, text: str) -> None:
        """Add a text.

        Raises:
            UnicodeEncodeError: it holds what is no character.
        """
        self._text += text.encode()
        self._text_ends.append(len(self._text))
        self._words.extend(hashes(text))
        self._word_ends.append(len(self._words))

    def arrays(self) -> SourceTexts:
        """Return all of them; none may be added after that."""
        texts = np.frombuffer(self._text, dtype=np.uint8)
        words = np.frombuffer(self._words, dtype=np.uint32).view(np.int32)
        text_ends, word_ends = (
            np.frombuffer(ends, dtype=np.int64) for ends in (self._text_ends, self._word_ends)
        )
        return SourceTexts(Sequences(texts, text_ends), Sequences(words, word_ends))


class _Table:
    """The rows of CSV files."""

    def __init__(self, most_classes: int) -> None:
        self.problems: list[str] = []
        self._most_classes = most_classes
        self._class_N = array("q")
        self._texts = _Texts()

    @property
    def targets_N(self) -> Ints:  # noqa: N802 - a shape suffix
        """The class of each row, from 0."""
        return np.array(self._class_N, dtype=np.int64) - 1

    @property
    def num_classes(self) -> int:
        """How many classes there are at least."""
        return max(self._class_N, default=0)

    def texts(self) -> SourceTexts:
        """Return the texts of all rows; none may be added after that."""
        return self._texts.arrays()

    def read(self, path: Path) -> int:
        """Add the rows of a file; return how many were as they must be."""
        before = len(self._class_N)
        before_us = csv.field_size_limit(LONGEST_FIELD)
        try:
            with path.open("rb") as start:
                require_text(path, start.read(4))
            # Lines end at line feeds alone, as editors count them.
            with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
                for line, row in _rows(file):
                    problem = row if isinstance(row, str) else self._add(row, is_first=line == 1)
                    if problem:
                        self.problems.append(f"{path.name} line {line}: {problem}")
        except OSError as error:
            raise DataError(
                f"{path}: cannot be read ({error.strerror}); it must be a CSV file"
            ) from None
        finally:
            csv.field_size_limit(before_us)
        return len(self._class_N) - before

    def _add(self, row: list[str], *, is_first: bool) -> str | None:
        """Add a row, or return what is wrong with it."""
        if len(row) != NUM_FIELDS:
            hint = separator_hint(row[0]) if len(row) == 1 else ""
            return f"has {len(row)} fields; it must have {NUM_FIELDS}: class, title, text{hint}"
        field, title, content = row
        number = int(field) if re.fullmatch("[0-9]{1,9}", field) else 0
        if not 1 <= number <= self._most_classes:
            shown = ascii(field[:MOST_SHOWN])
            hint = (
                " (there must be no header)"
                if is_first and not any(map(str.isdigit, field))
                else ""
            )
            return f"the class is {shown}; it must be a number from 1 to {self._most_classes}{hint}"
        text = f"{title} {content}".strip()
        if not text:
            return "the text is empty; title or text must hold something"
        try:
            self._texts.add(text)
        except UnicodeEncodeError as error:
            byte = ord(text[error.start]) - 0xDC00
            return f"byte 0x{byte:02x} is no UTF-8; the file must be UTF-8 throughout"
        self._class_N.append(number)
        return None


def _rows(file: Iterator[str]) -> Iterator[tuple[int, list[str] | str]]:
    """Yield each row with the number of its first line, or what is wrong with its quotes.

    Blank lines at the end are no rows.
    """
    reader = csv.reader(file, strict=True)
    waiting: list[tuple[int, list[str] | str]] = []
    while True:
        line = reader.line_num + 1
        row: list[str] | str
        try:
            row = next(reader)
        except csv.Error as error:
            row = f"{error}; a quote within a field must stand twice"
        except StopIteration:
            return
        waiting.append((line, row))
        if row:
            yield from waiting
            waiting.clear()
