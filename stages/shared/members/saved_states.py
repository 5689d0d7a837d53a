"""The state of a training after an epoch, saved so that a killed one goes on and not anew.

A saved state is a folder `<name>-<epoch>`: the tensors of all that changes from epoch to epoch,
the weights that are kept so far, the history, and a digest of each file. It appears whole. What
is random in an epoch follows from its number (`randomness`), so no generator is saved.

Only the newest is kept. Several processes may train the same member to the same bytes: each writes
folders of its own, and none removes what is newer than its own.
"""

import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field

from stages.shared.artifacts import Epoch, load_json, save_json
from stages.shared.artifacts.files import atomic_folder, link
from stages.shared.artifacts.formats import checked, no_other_keys
from stages.shared.artifacts.weights import load_tensors, save_tensors
from stages.shared.errors import ArtifactError, ParamsError
from stages.shared.members.fingerprints import file_fingerprint
from stages.shared.training.state import Saved, State

INDEX = "index.json"
TENSORS = "tensors.safetensors"
KEPT = "kept"  # the folder of the weights that are kept

SECONDS_BETWEEN = 10.0  # states that are saved: a short training saves none


@no_other_keys
@dataclass(frozen=True)
class _Index:
    """What index.json says."""

    files: dict[str, str]  # path inside the folder -> digest
    seconds: float  # that the training took so far
    history: Annotated[list[Epoch], Field(min_length=1)]


def save_state(folder: Path, saved: Saved, seconds: float) -> None:
    """Write a state, after so many seconds, into a folder that appears whole (`files`)."""
    save_tensors(folder / TENSORS, saved.tensors)
    for path in _files(saved.kept):
        link(path, folder / KEPT / path.relative_to(saved.kept))
    index = _Index(
        {str(path.relative_to(folder)): file_fingerprint(path) for path in _files(folder)},
        seconds,
        list(saved.history),
    )
    save_json(folder / INDEX, asdict(index))


def load_state(folder: Path) -> Saved:
    """Return a state that was saved.

    Raises:
        ArtifactError: a file of it is missing or damaged.
    """
    index = _load_index(folder / INDEX)
    for name, digest in index.files.items():
        try:
            found = file_fingerprint(folder / name)
        except OSError as error:
            raise ArtifactError(f"{folder / name}: cannot be read ({error})") from None
        if found != digest:
            raise ArtifactError(f"{folder / name}: is not what {INDEX} says; it is damaged")
    start = f"{KEPT}/"
    names = [name.removeprefix(start) for name in index.files if name.startswith(start)]
    return Saved(load_tensors(folder / TENSORS), index.history, folder / KEPT, names)


def _load_index(path: Path) -> _Index:
    content = load_json(path)
    index = checked(path, content, _Index)
    # As they were written: operations are whole numbers, which a float would round.
    return replace(index, history=[Epoch(**entry) for entry in content["history"]])


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


class SavedStates:
    """The saved states of one training, in a folder that all trainings share."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._seconds_between = _seconds_between()
        self._saved_at = time.monotonic()
        self._begun_at = time.perf_counter()
        self._seconds_before = 0.0  # that a training took which goes on

    @property
    def seconds(self) -> float:
        """How long the training has taken, without what was lost when it was killed."""
        return self._seconds_before + time.perf_counter() - self._begun_at

    @cached_property
    def newest(self) -> Saved | None:
        """The newest state that is whole; damaged ones are dropped with a line to stderr."""
        tried: set[Path] = set()
        self._seconds_before = 0.0
        # Looked for anew each time: another process may have gone on from what was there.
        while waiting := [folder for folder in self._folders() if folder not in tried]:
            folder = waiting[-1]
            tried.add(folder)
            try:
                saved = load_state(folder)
                self._seconds_before = _load_index(folder / INDEX).seconds
            except ArtifactError as error:
                if folder.exists():
                    sys.stderr.write(f"{error}; dropped, the training goes on without it\n")
                    shutil.rmtree(folder, ignore_errors=True)
            else:
                return saved
        return None

    def take(self, into: Path) -> Saved | None:
        """Return the newest state, and give its kept weights a second name in this folder.

        Another process that trains the same member may drop the state at any moment.
        """
        saved = self.newest
        if saved is None:
            return None
        del self.newest  # a file that is mapped keeps its space when it is dropped
        try:
            for name in saved.names:
                link(saved.kept / name, into / name)
        except OSError:
            for name in saved.names:
                (into / name).unlink(missing_ok=True)
            if all((saved.kept / name).exists() for name in saved.names):
                raise  # it is not the state that is gone: a full disk, say
            return self.take(into)
        return saved

    def save(self, tensors: State, history: Sequence[Epoch], kept: Path) -> None:
        """Save the state after the last epoch of the history, unless one was saved just now.

        Where it cannot be written the training goes on all the same.
        """
        if time.monotonic() - self._saved_at < self._seconds_between:
            return
        folder = self._folder / f"{self._name}-{history[-1].epoch:06d}"
        try:
            os.utime(kept)  # it is in use, however long ago something was last written into it
            with atomic_folder(folder, keep_first=True) as temporary:
                save_state(temporary, Saved(tensors, list(history), kept), self.seconds)
        except OSError as error:
            sys.stderr.write(f"{folder}: the state of the training is not saved ({error})\n")
        else:
            self._drop([older for older in self._folders() if older < folder])
        self._saved_at = time.monotonic()

    def drop(self) -> None:
        """Drop all: the training is finished."""
        self._drop(self._folders())

    def _folders(self) -> list[Path]:
        """Return those that there are, oldest first."""
        return sorted(self._folder.glob(f"{self._name}-*"))

    def _drop(self, folders: Sequence[Path]) -> None:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)  # another process may do so too


def _seconds_between() -> float:
    text = os.environ.get("SUBSET_SAVE_EVERY_S") or str(SECONDS_BETWEEN)
    if not text.replace(".", "", 1).isdecimal():
        raise ParamsError(f"SUBSET_SAVE_EVERY_S is {text!r}; it must be a number of 0 or more")
    return float(text)
