"""The images in the places that data.yaml names: folders, and text files with a path in each line.

A place begins below one of some folders, or, as some exports write it, there without its leading
`../`. Paths in a text file begin beside it, or below one of the folders.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from stages.shared.artifacts.user_names import written_forms
from stages.shared.datasets.reading.sample_files import EXTENSIONS
from stages.shared.datasets.reading.visible_files import files_below
from stages.shared.errors import DataError, printable, reason

# Ultralytics reads them, this project does not.
OTHER_IMAGES = frozenset((".avif", ".dng", ".heic", ".heif", ".jp2", ".mpo"))


# What is not listed, or listed elsewhere, may change unnoticed.
OUTSIDE = (
    "which is not below dataset.root; that must be a folder which holds data.yaml, its lists and "
    "all images"
)


class Image(NamedTuple):
    """One image that data.yaml or a list names."""

    name: str = ""  # path below root, as it is written where that is below root
    real: str = ""  # where links lead to
    problem: str = ""  # with it, and then it has no name


def in_place(root: Path, path: Path, bases: Sequence[Path], place: str) -> Iterator[Image]:
    """Yield the images of one place that data.yaml names."""
    forms = [place.replace("\\", "/")]
    forms += [form.removeprefix("../") for form in forms if form.startswith("../")]
    tries = [base / form for form in forms for base in bases]
    found = next((where for where in tries if where.exists()), None)
    if found is None:
        yield Image(
            problem=f"{path.name!r} names {place!r}, which is not there; looked for {tries[0]}"
        )
        return
    if found.is_file() and not Path(os.path.realpath(found)).is_relative_to(os.path.realpath(root)):
        yield Image(problem=f"{path.name!r} names {place!r}, {OUTSIDE}")
        return
    below, is_empty = _below(root), True
    if found.is_dir():
        top = os.path.realpath(found)  # as Ultralytics does; links below it stay as they are
        named: Iterator[tuple[str, str, str | None]] = (
            (repr(path.name), name, f"{top}/{name}") for name in images_in(found)
        )
    else:
        its_name = repr(os.path.relpath(found, root))
        named = (
            (f"{its_name} line {number}", line, file)
            for number, line, file in _listed(found, bases)
        )
    for where, name, file in named:
        is_empty = False
        if file is None:
            yield Image(problem=f"{where} names {name!r}, which is not there")
        else:
            yield below(file, where)
    if is_empty:
        yield Image(problem=f"{path.name!r} names {place!r}, which holds no image")


def _below(root: Path) -> Callable[[str, str], Image]:
    """Return what makes an image of a path, told where that is named."""
    tops = [f"{top}/" for top in (os.path.abspath(root), os.path.realpath(root))]  # noqa: PTH100
    real_folder = cache(os.path.realpath)

    @cache
    def place_of(folder: str) -> str | None:
        """Return a folder's place below root, which ends with a slash; None: it lies elsewhere."""
        real = real_folder(folder)
        # Labels are found by the path as it is written, so its links stay links; but `..` behind
        # one leads elsewhere than it reads.
        written = os.path.abspath(folder)  # noqa: PTH100
        forms = [written, real] if real_folder(written) == real else [real]
        found = (f"{form}/" for form in forms)
        return next(
            (form.removeprefix(top) for form in found for top in tops if form.startswith(top)), None
        )

    def image(path: str, where: str) -> Image:
        folder, _, name = path.rpartition("/")
        place = place_of(folder)
        if place is None:
            return Image(problem=f"{where} names {path!r}, {OUTSIDE}")
        return Image(f"{place}{name}", f"{real_folder(folder)}/{name}")

    return image


def images_in(folder: Path) -> Iterator[str]:
    """Yield the images below a folder by their paths there; others are counted on stderr."""
    others = []
    for name in files_below(str(folder)):
        ending = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a million of them
        if ending in EXTENSIONS:
            yield name
        elif ending in OTHER_IMAGES:
            others.append(name)
    if others:
        said = f"{folder}: left out {len(others)} images that must be converted, as {others[0]!r}"
        sys.stderr.write(f"{printable(said)}\n")


def _listed(path: Path, bases: Sequence[Path]) -> Iterator[tuple[int, str, str | None]]:
    """Yield number and text of each line of a list, and the file that it names; None: none."""
    folders = [path.parent, *bases]
    for number, line in enumerate(lines_of_list(path), start=1):
        if line.strip():
            tries = (
                os.path.join(base, form)  # noqa: PTH118 - a million of them
                for form in written_forms(line)
                for base in folders
            )
            yield number, line.strip(), next(filter(os.path.exists, tries), None)


def lines_of_list(path: Path) -> list[str]:
    """Return the lines of a list.

    Raises:
        DataError: it is no UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({reason(error)}); it must be UTF-8") from None
