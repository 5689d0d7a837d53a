"""Write files whole: a reader sees the old content or the new, never a part.

What is not finished lies beside its place under a hidden name that ends in `.unfinished`, which
.gitignore and .dvcignore know: what a killed process leaves is in no hash of DVC's. Beside its
place, since `data` may be another disk, where no rename from elsewhere leads to. It is synchronised
before it is renamed, and then the folder that holds the name.
"""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

SUFFIX = ".unfinished"
RANDOM_LETTERS = 8  # that tempfile puts before it
_HIDDEN_NAME = re.compile(rf"(?:^|(?<=/))\.([^/]+)\.\w{{{RANDOM_LETTERS}}}{re.escape(SUFFIX)}")

# What stages end with that the user can mend, and how.
ADVICE = {
    errno.EMFILE: "let a process open more files (`ulimit -n`)",
    errno.ENFILE: "close some files of other programs",
    errno.EAGAIN: "let more processes run (`ulimit -u`, or the container's limit), or lower "
    "SUBSET_WORKERS and SUBSET_LOADERS",
    errno.ENOMEM: "free some memory, or lower SUBSET_WORKERS and SUBSET_LOADERS",
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space, or ask for a larger quota",
    errno.EFBIG: "its disk and `ulimit -f` must allow larger files",
    errno.EROFS: "it must be writable",
    errno.EACCES: "whoever runs the stage must be allowed to",
    errno.EPERM: "whoever runs the stage must be allowed to",
}
OF_SYSTEM = (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM)


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block ends well."""
    with _named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        is_alone = SUFFIX not in str(path.parent)  # atomic_folder waits for all of its files
        descriptor, name = tempfile.mkstemp(SUFFIX, f".{path.name}.", path.parent)
        os.close(descriptor)
        temporary = Path(name)
        try:
            yield temporary
            # mkstemp makes files that only their owner reads; results are as open as any other.
            temporary.chmod(0o666 & ~_umask())
            if is_alone:
                _sync(temporary)
            temporary.replace(path)
            if is_alone:
                _sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(folder: Path, *, keep_first: bool = False) -> Iterator[Path]:
    """Yield a temporary folder beside `folder` that takes its place when the block ends well.

    With `keep_first` a folder that is there by then stays, so that those who read it may go on.
    """
    with _named(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(SUFFIX, f".{folder.name}.", folder.parent))
        try:
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            for path in (*temporary.rglob("*"), temporary):
                if not path.is_symlink():  # what a link names is not ours
                    _sync(path)
            if keep_first:
                _rename_unless_there(temporary, folder)
            else:
                _replace_folder(temporary, folder)
            _sync(folder.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_bytes(content)


def link(source: Path, target: Path) -> None:
    """Give a file that never changes again a second name; copy it where there are no such links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def remove_unfinished(paths: Iterable[Path]) -> None:
    """Remove what killed processes left beside these paths; nobody may be writing them."""
    for path in paths:
        for left in path.parent.glob(f".{escape(path.name)}.{'?' * RANDOM_LETTERS}{SUFFIX}"):
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()


def describe(error: OSError) -> str | None:
    """Return the line for what failed by no fault of ours: what, why and what to do."""
    if "temporary directory" in (error.strerror or ""):  # none is writable, or no file to be opened
        return f"{error.strerror}; TMPDIR must name a folder to write into (also see `ulimit -n`)"
    if error.errno not in ADVICE:
        return None
    named = error.filename or ("the system" if error.errno in OF_SYSTEM else "a temporary file")
    name = _HIDDEN_NAME.sub(r"\1", str(named))
    name = name.removeprefix(f"{Path.cwd()}/")
    return f"{name}: {error.strerror}; {ADVICE[error.errno]}. Then run `dvc repro` again"


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say which file it was: a write that fails does not."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def _replace_folder(new: Path, folder: Path) -> None:
    """Rename a folder to one that may be there, which is removed when the new one is in place."""
    if not folder.exists():
        new.rename(folder)
        return
    old = Path(tempfile.mkdtemp(SUFFIX, f".{folder.name}.", folder.parent))
    try:
        folder.replace(old)
        new.rename(folder)
    finally:
        if not folder.exists():
            old.rename(folder)
        shutil.rmtree(old, ignore_errors=True)


def _rename_unless_there(new: Path, folder: Path) -> None:
    try:
        new.rename(folder)
    except OSError:
        if not folder.exists():
            raise


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
