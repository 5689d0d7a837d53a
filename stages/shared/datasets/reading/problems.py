"""Everything that is wrong with a data set, in one line or in a file that the line names."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from stages.shared.artifacts.files import write_atomically
from stages.shared.errors import printable
from stages.shared.running.workspace import main_folder

MOST_LISTED = 20  # in the line
LIST = Path("data/problems.txt")  # of all, where there are more


def in_one_line(before: str, problems: Sequence[str], after: str = "") -> str:
    """Return the line; of a long list it holds the first, and the file holds all."""
    more = ""
    if len(problems) > MOST_LISTED:
        more = f"; and {len(problems) - MOST_LISTED} more"
        with suppress(OSError):  # what is wrong with the data counts, not that the disk is full
            lines = "".join(f"{printable(problem)}\n" for problem in problems)
            # Of the project itself: a temporary workspace is gone when somebody looks.
            write_atomically(main_folder() / LIST, lines.encode())
            more += f" (all {len(problems)} are in {LIST})"
    return f"{before}{'; '.join(problems[:MOST_LISTED])}{more}{after}"


def forget() -> None:
    """Remove the list of a data set that is well by now."""
    with suppress(OSError):
        (main_folder() / LIST).unlink(missing_ok=True)
