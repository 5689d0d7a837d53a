"""What every form does with its output: it is whole, and takes the place of nothing."""

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stages.shared.artifacts.files import atomic_folder, write_atomically
from stages.shared.errors import DataError


def refuse_existing(output: Path) -> None:
    """Stop where something is there already.

    Raises:
        DataError: it is.
    """
    if os.path.lexists(output):
        raise DataError(f"{output}: is there already; name what is not there yet")


@contextmanager
def new_folder(output: Path) -> Iterator[Path]:
    """Yield a folder to fill that becomes `output` when the block ends well.

    Raises:
        DataError: something is there, or was made meanwhile.
    """
    refuse_existing(output)
    with atomic_folder(output, keep_first=True) as folder:
        made = folder.stat()
        yield folder
    if not os.path.samestat(made, output.stat()):
        raise DataError(f"{output}: was made meanwhile; name what is not there yet")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON in ASCII: names that are no UTF-8 survive as Python reads and writes them."""
    write_atomically(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def finite(score: float) -> float | None:
    """Return a score, or None for one that JSON has no word for."""
    return None if math.isnan(score) else score
