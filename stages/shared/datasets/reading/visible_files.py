"""What people see in a folder: its files and folders, without what machines leave among them.

That is hidden files and folders, the thumbnails and waste baskets of network drives (`@eaDir`,
`@Recycle`), what archives of a Mac hold beside their content (`__MACOSX`), and what is neither a
file nor a folder: whoever reads a pipe waits for ever.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from stages.shared.errors import DataError

JUNK = frozenset(
    (
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "@eadir",
        "@recently-snapshot",
        "@recycle",
        "@tmp",
        "__macosx",
        "__pycache__",
        "_gsdata_",
        "desktop.ini",
        "found.000",
        "lost+found",
        "network trash folder",
        "recycler",
        "system volume information",
        "temporary items",
        "thumbs.db",
    )
)


def require_folder(root: Path) -> None:
    """Check that root is there.

    Raises:
        DataError: it is not, or is no folder.
    """
    if os.path.isdir(root):  # noqa: PTH112 - takes any text
        return
    what = "a file" if os.path.isfile(root) else "no such folder"  # noqa: PTH113
    way = ""
    if os.path.isfile(f"{root}.dvc"):  # noqa: PTH113
        way = f"; `dvc checkout {root}.dvc` or `dvc pull {root}.dvc` brings it"
    raise DataError(f"dataset.root is {str(root)!r}: {what}; it must hold the data set{way}")


def files_below(root: str) -> Iterator[str]:
    """Yield the paths below root of all files but hidden ones and junk; links are followed once."""
    seen, waiting = {os.path.realpath(root)}, [""]
    while waiting:
        folder = waiting.pop()
        for entry in visible(f"{root}/{folder}" if folder else root):
            path = f"{folder}/{entry.name}" if folder else entry.name
            if not is_folder(entry):
                yield path
            elif not entry.is_symlink():
                waiting.append(path)
            elif (target := os.path.realpath(entry.path)) not in seen:
                seen.add(target)
                waiting.append(path)


def visible(folder: str) -> list["os.DirEntry[str]"]:
    """Return what a folder holds, without hidden files and junk.

    Raises:
        DataError: it cannot be listed.
    """
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not _is_junk(entry.name) and _holds_data(entry)]
    except OSError as error:
        _refuse(error)


def visible_in(path: str) -> list["os.DirEntry[str]"]:
    """Return what a folder holds, nothing of what is no folder."""
    return visible(path) if os.path.isdir(path) else []  # noqa: PTH112


def is_folder(entry: "os.DirEntry[str]") -> bool:
    """Return whether this is a folder, or a link to one."""
    # A link to itself is an error for entry.is_dir.
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()  # noqa: PTH112


def holds_itself(entry: "os.DirEntry[str]") -> bool:
    """Return whether a folder is a link to one that it lies in: a class without end."""
    place = Path(entry.path)
    return entry.is_symlink() and place.parent.resolve().is_relative_to(place.resolve())


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name.casefold() in JUNK


def _holds_data(entry: "os.DirEntry[str]") -> bool:
    """Return whether this is a file, a folder or a link, as the folder itself tells."""
    return (
        entry.is_file(follow_symlinks=False)
        or entry.is_dir(follow_symlinks=False)
        or entry.is_symlink()
    )


def _refuse(error: OSError) -> NoReturn:
    raise DataError(
        f"{error.filename}: cannot be listed ({error.strerror}); it must be a readable folder"
    )
