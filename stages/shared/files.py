"""Write files whole: a reader sees the old content or the new, never a part."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        _sync(temporary)
        # mkstemp makes files that only their owner reads; results are as open as any other file.
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(folder: Path, *, keep_first: bool = False) -> Iterator[Path]:
    """Yield a temporary folder beside `folder` that takes its place when the block ends well.

    With `keep_first` a folder that is there by then stays, so that those who read it may go on.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        yield temporary
        for path in temporary.rglob("*"):
            if path.is_file():
                _sync(path)
        temporary.chmod(0o777 & ~_umask())
        if not keep_first:
            shutil.rmtree(folder, ignore_errors=True)
        try:
            temporary.rename(folder)
        except OSError:
            if not (keep_first and folder.exists()):
                raise
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


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
