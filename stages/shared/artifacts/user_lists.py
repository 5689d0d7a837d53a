"""Lists that people write: CSV files from an editor or a spreadsheet, read with care.

A byte-order mark, blank lines, any line ends, spaces around a field and empty fields behind the
last column say nothing. What is not UTF-8 is kept byte by byte, since file names may be anything;
whoever does not find such a name says so with `encoding_hint`.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stages.shared.artifacts.user_names import ADVICE, MOST_SHOWN, and_more, as_known
from stages.shared.errors import ArtifactError, reason

if TYPE_CHECKING:
    from stages.shared.settings.params import Params

LONGEST_SHOWN = 200  # letters of a line that is not as it must be
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
EXCELS_OWN = ["sep=", ""]  # the line `sep=,`, by which Excel knows what separates
FROM_SPREADSHEETS = f"{ADVICE}, in a spreadsheet as 'CSV UTF-8'"

SEED_HEADER = ["sample_id"]
INCLUDE_HEADER = ["sample_id", "reason"]  # also that of the exclude list
REFERENCE_HEADER = ["sample_id", "score"]


class Line(NamedTuple):
    """One line that says something."""

    number: int  # of its first line in the file, from 1
    fields: list[str]  # as they stand there


class Listed(NamedTuple):
    """A sample that a list names."""

    line: int
    name: str
    row: int | None  # of the train split; None: it holds no such sample


def decoded(path: Path, content: bytes) -> str:
    """Return the text of a file of the user's, without a byte-order mark.

    Raises:
        ArtifactError: as require_text.
    """
    require_text(path, content)
    return content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")


def require_text(path: Path, content: bytes) -> None:
    """Stop where the beginning of a file shows that it is no text in UTF-8.

    Raises:
        ArtifactError: it is UTF-16, or a workbook.
    """
    if content.startswith(BYTE_ORDER_MARKS) or b"\0" in content[:4]:
        raise ArtifactError(f"{path}: is UTF-16; {FROM_SPREADSHEETS}")
    if content.startswith(b"PK\x03\x04"):
        raise ArtifactError(f"{path}: is a workbook or an archive; {FROM_SPREADSHEETS}")


def lines_of(text: str) -> list[str]:
    """Return the lines of a text, as editors count them; carriage returns before an end vanish."""
    return re.split("\r*\n|\r", text)


def load_list(path: Path, header: Sequence[str]) -> list[Line]:
    """Return the lines of a CSV file below its header, without blank ones.

    Raises:
        ArtifactError: the file is missing, no UTF-8 text, has another header, or lines of another
            length, all of which are named.
    """
    _, lines = load_csv(path, ",".join(header), lambda found: found == list(header))
    return lines


def load_csv(
    path: Path, wanted: str, fits: Callable[[list[str]], bool]
) -> tuple[list[str], list[Line]]:
    """Return the header of a CSV file, and the lines below it without blank ones.

    Args:
        path: of the file.
        wanted: the header, for messages.
        fits: returns whether a header is as it must be.

    Raises:
        ArtifactError: the file is missing, no UTF-8 text, has another header, or lines of another
            length, all of which are named.
    """
    try:
        text = decoded(path, path.read_bytes())
    except FileNotFoundError:
        hint = "; write ~ out, since DVC must find it too" if str(path).startswith("~") else ""
        raise ArtifactError(f"{path}: missing; it must be CSV with {wanted}{hint}") from None
    except ArtifactError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        raise ArtifactError(f"{path}: cannot be read ({reason(error)}); it must be CSV") from None
    try:
        (_, first), *rows = [*_rows(text)] or [(1, [])]
    except csv.Error as error:
        raise ArtifactError(f"{path}: cannot be read ({error}); it must be CSV") from None
    header = [field.strip() for field in _padded(first, 0)]
    if not fits(header):
        found = ",".join(header)[:LONGEST_SHOWN] or "nothing"
        raise ArtifactError(
            f"{path}: its first line is {found}; it must be {wanted}{separator_hint(found)}"
        )
    lines = [Line(number, _padded(row, len(header))) for number, row in rows]
    wrong = [line for line in lines if len(line.fields) != len(header)]
    if wrong:
        told = [f"line {line.number} has {len(line.fields)} fields" for line in wrong[:MOST_SHOWN]]
        is_long = len(wrong[0].fields) > len(header)
        hint = "; a name with a comma stands in quotes" if is_long else ""
        if any("\n" in field for field in wrong[0].fields):
            hint = "; a quote that opens must close"
        raise ArtifactError(
            f"{path}: {and_more(told, len(wrong))}; it must have {len(header)}{hint}"
        )
    return header, lines


def load_sample_list(
    path: Path, header: Sequence[str], sample_ids: Sequence[str] = ()
) -> list[Listed]:
    """Return the samples that a list of the user's names in its first column.

    Raises:
        ArtifactError: as load_list, or the list names a sample twice.
    """
    lines = load_list(path, header)
    fields = [line.fields[0] for line in lines]
    # Few: a dict of the whole train split would be its largest object.
    wanted = {*fields, *map(str.strip, fields)}
    row_of = {name: row for row, name in enumerate(sample_ids) if name in wanted}
    found = []
    line_of: dict[str, int] = {}
    for line in lines:
        name = as_known(line.fields[0], row_of)
        if name in line_of:
            raise ArtifactError(
                f"{path}: line {line.number} names {name} again, as line {line_of[name]} does; "
                "once is allowed"
            )
        line_of[name] = line.number
        found.append(Listed(line.number, name, row_of.get(name)))
    return found


def check_lists(params: "Params") -> None:
    """Stop unless the lists that params.yaml names can be read, whichever stage reads them later.

    Raises:
        ArtifactError: some cannot; the line says what is wrong with each.
    """
    headers = {
        params.seed_subset.file: SEED_HEADER,
        params.select.include: INCLUDE_HEADER,
        params.select.exclude: INCLUDE_HEADER,
        params.score.reference: REFERENCE_HEADER,
    }
    problems = []
    for name, header in headers.items():
        try:
            load_sample_list(Path(name), header)
        except ArtifactError as error:
            problems.append(str(error))
    if problems:
        raise ArtifactError("; and ".join(problems))


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that says something, with the number of its first line."""
    end = "\n" if "\n" in text else "\r"  # the latter of an old Mac
    number = 0

    def lines() -> Iterator[str]:
        nonlocal number
        for line in io.StringIO(text, newline=""):
            number += line.count(end)
            yield line

    # A space before a quote would make the quote a letter; elsewhere it may belong to a name.
    reader = csv.reader(lines(), skipinitialspace=', "' in text)
    while True:
        first = number + 1
        row = next(reader, None)
        if row is None:
            return
        if any(field.strip() for field in row) and not (first == 1 and row == EXCELS_OWN):
            yield first, row


def _padded(row: list[str], length: int) -> list[str]:
    """Return a row without the empty fields that spreadsheets write behind the last column."""
    while len(row) > length and not row[-1].strip():
        row = row[:-1]
    return row


def separator_hint(found: str) -> str:
    """Return what to do where a line's fields are not separated by commas; else nothing."""
    kind = next((name for mark, name in SEPARATORS.items() if mark in found), None)
    return f", separated by commas, not by {kind}" if kind else ""
