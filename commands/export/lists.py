"""The subset as a table or as plain lines."""

import math
from itertools import product
from pathlib import Path
from typing import Literal

from commands.export.chosen import Chosen, Sample
from stages.shared.artifacts import save_table
from stages.shared.artifacts.files import write_atomically
from stages.shared.errors import DataError

COLUMNS = ["sample_id", "path", "label", "picks", "round", "score", "index"]
WORDS = ("sample_id", "label")  # a path begins with a slash
# With these a spreadsheet begins a formula, which may run programs.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

Formulas = Literal["refuse", "escape", "keep"]


def write_csv(chosen: Chosen, output: Path, formulas: Formulas) -> None:
    """Write a row for each sample.

    Args:
        chosen: the subset.
        output: the file.
        formulas: what becomes of words that a spreadsheet would run; `escape` puts an apostrophe
            before them.

    Raises:
        DataError: there is such a word, and it is to be refused.
    """
    for sample, name in product(chosen.samples, WORDS):
        if formulas == "refuse" and _is_formula(word := getattr(sample, name)):
            raise DataError(
                f"{sample.sample_id!r}: the {name} {word!r} begins as a spreadsheet's formula; "
                "allowed with --formulas escape (an apostrophe before it) or --formulas keep"
            )
    save_table(output, COLUMNS, (_row(sample, formulas) for sample in chosen.samples))


def _row(sample: Sample, formulas: Formulas) -> list[object]:
    values = vars(sample) | {"score": "" if math.isnan(sample.score) else sample.score}
    if formulas == "escape":
        values |= {name: f"'{values[name]}" for name in WORDS if _is_formula(values[name])}
    return [values[name] for name in COLUMNS]


def _is_formula(word: str) -> bool:
    return len(word) > 1 and word.startswith(FORMULA)


def write_list(chosen: Chosen, output: Path) -> None:
    """Write the ids of the samples, each once: as `seed_subset.file` reads them."""
    save_table(output, ["sample_id"], ([sample.sample_id] for sample in chosen.samples))


def write_text(chosen: Chosen, output: Path, ids: bool, null: bool) -> None:
    """Write a path, or a sample id where there are no files, for each pick.

    Args:
        chosen: the subset.
        output: the file.
        ids: sample ids also where there are files.
        null: a NUL after each instead of a line feed.

    Raises:
        DataError: a line feed is in one of them, and they are to be lines.
    """
    names = [
        sample.sample_id if ids else sample.path or sample.sample_id for sample in chosen.picks
    ]
    if not null and (broken := next((name for name in names if "\n" in name), None)):
        raise DataError(f"{broken!r}: has a line feed, which ends a line; allowed with --null")
    end = "\0" if null else "\n"
    content = "".join(f"{name}{end}" for name in names)
    write_atomically(output, content.encode("utf-8", "surrogateescape"))
