"""One file, a sample; and what words for splits and classes and paths mean, wherever they stand."""

import os
import posixpath
import re
import unicodedata
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from stages.shared.artifacts import Split
from stages.shared.artifacts.user_names import written_forms
from stages.shared.errors import DataError

# The endings of images, in lower case.
EXTENSIONS = frozenset(
    (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
SPLIT_NAMES: dict[str, Split] = {
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}
FROM_ELSEWHERE = re.compile(r"[A-Za-z]:[\\/]|[a-z][a-z0-9+.-]+://")  # C:\... and https://...
SUFFIX = re.compile(r"[ _-]?(data|images|set|split)$")  # as in train_images or test set


class Entry(NamedTuple):
    """One file, a sample."""

    sample_id: str  # its path below root
    label: str
    split: Split | None


def split_of(name: str) -> Split | None:
    """Return the split that a folder or a manifest's word names, in any case; None: another."""
    word = name.strip().casefold()
    return SPLIT_NAMES.get(word) or SPLIT_NAMES.get(SUFFIX.sub("", word))


def clean(name: str) -> str:
    """Return the class that a name means: no spaces around it, and one form of its letters.

    A Mac writes é as two characters, others as one.
    """
    return unicodedata.normalize("NFC", name).strip()


def path_below(root: Path, path: str, is_there: Callable[[str], bool]) -> str | None:
    """Return the path below root that a list of the user's means, in one form; None: it leaves it.

    Of the ways to write a path that is taken of which something is there: with `./`, from the root
    of the disk, as an address `file:///...`, beginning with root or its last folders, and those of
    `written_forms`. Of none of them, slashes are turned alone.
    """
    for form in (*written_forms(path), *_as_address(path)):
        below = _normal(root, form)
        if below is None:
            continue
        if is_there(below):
            return below
        if (found := next(filter(is_there, _below_last_folders(root, below)), None)) is not None:
            return found
    return _normal(root, path.strip().replace("\\", "/"))


def _as_address(path: str) -> list[str]:
    """Return what an address means: in it %20 is a space."""
    plain = urllib.parse.unquote(path.strip().removeprefix("file://"))
    return [plain] if plain != path else []


def _below_last_folders(root: Path, path: str) -> Iterator[str]:
    """Yield what follows in a path that begins with root, or with the last folders of it."""
    parts, of_root = path.split("/"), Path(os.path.abspath(root)).parts  # noqa: PTH100 - links stay
    for num in range(1, min(len(parts), len(of_root))):
        if parts[:num] == [*of_root[-num:]]:
            yield "/".join(parts[num:])


def _normal(root: Path, path: str) -> str | None:
    if FROM_ELSEWHERE.match(path):
        return None
    if path.startswith("/"):
        path = os.path.relpath(path, os.path.abspath(root))  # noqa: PTH100 - links stay
    path = posixpath.normpath(path)
    return None if path == "." or path.split("/")[0] == ".." else path


def splits_of_folders(root: Path, names: Sequence[str]) -> dict[str, Split]:
    """Return the split of each file by the first folder of its path; nothing where none is one.

    Raises:
        DataError: some lie in a folder of a split and others do not, or none in train.
    """
    first = {name: name.partition("/")[0] if "/" in name else "" for name in names}
    splits = {name: split for name in names if (split := split_of(first[name])) is not None}
    outside = next((name for name in names if name not in splits), None)
    if splits and outside is not None:
        raise DataError(
            f"{root}: {next(iter(splits))!r} lies in a folder of a split and {outside!r} in none; "
            "all images must, or none"
        )
    if splits and "train" not in splits.values():
        raise DataError(f"{root}: its folders of splits lack train, which is needed")
    return splits
