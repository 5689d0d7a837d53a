"""A CSV file that grows by whole rows, so that a series that was broken off goes on."""

import csv
from collections.abc import Sequence
from pathlib import Path

Row = dict[str, str]  # by head


def load(path: Path) -> list[Row]:
    """Return the rows by their heads; none where there is no such file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def append(path: Path, header: Sequence[str], found: Sequence[Sequence[object]]) -> None:
    """Add rows to the file, which begins with the header."""
    is_new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([*([header] if is_new else []), *found])
