"""Image files that stand in two splits: what was trained on or chosen by says nothing of a test.

Copies are told by their bytes. Most files are told apart by their size, nearly all others by their
first bytes: few are read whole. Which copy is too many the user alone knows, so it is a warning.
Images whose bytes differ and whose pixels do not are not found, nor copies in data sets of arrays.
"""

import hashlib
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from stages.shared.artifacts import SPLITS, Ints, Split
from stages.shared.datasets.reading.source_images import FoundFiles
from stages.shared.errors import printable

HEAD = 4096  # bytes
MOST_NAMED = 10


class Place(NamedTuple):
    """Where an image file stands."""

    path: Path
    name: str  # path below dataset.root
    split: Split


def warn(images: FoundFiles, rows: dict[Split, Ints]) -> None:
    """Say on stderr which image files stand in two splits."""
    groups = across_splits(images, rows)
    if not groups:
        return
    named = "; ".join(" and ".join(map(_described, group)) for group in groups[:MOST_NAMED])
    hidden = len(groups) - MOST_NAMED
    more = f"; and {hidden} more" if hidden > 0 else ""
    sys.stderr.write(
        f"warning: {len(groups)} images stand in two splits, which tests a model on what it has "
        f"seen: {printable(named)}{more}\n"
    )


def across_splits(images: FoundFiles, rows: dict[Split, Ints]) -> list[list[Place]]:
    """Return the groups of files with the same bytes of which two are in different splits."""
    groups = [
        [
            Place(images.root / images.names[row], images.names[row], split)
            for split in SPLITS
            for row in rows[split].tolist()
        ]
    ]
    for key in (_size, _head, _whole):
        groups = [part for group in groups for part in _parts(group, key) if _is_torn(part)]
    return groups


def _parts(group: Iterable[Place], key: Callable[[Path], Hashable]) -> Iterator[list[Place]]:
    parts: dict[Hashable, list[Place]] = {}
    for place in group:
        parts.setdefault(key(place.path), []).append(place)
    yield from parts.values()


def _is_torn(group: list[Place]) -> bool:
    return len({place.split for place in group}) > 1


def _size(path: Path) -> int:
    return path.stat().st_size


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def _whole(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").digest()


def _described(place: Place) -> str:
    return f"{place.name!r} ({place.split})"
