"""What all commands print alike: their help, and lines and tables that fit a terminal."""

import ast
import io
import sys
import textwrap
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

COLUMNS = 100  # of what is printed; of a single word that is longer, as a path may be, all is kept
TO_COPY = ": dvc exp run "
NARROWEST = 6  # characters of a column that is cut
BETWEEN = "  "  # columns

# For parsers of subcommands too.
HELP: Mapping[str, Any] = {
    "formatter_class": partial(RawDescriptionHelpFormatter, width=COLUMNS, max_help_position=24)
}


def parser(name: str, what: str, example: str) -> ArgumentParser:
    """Return the parser of a command: its help has usage, what it does, an example, options.

    Args:
        name: of the module in commands/.
        what: it does, for somebody who has not read the code.
        example: arguments that a user would type.
    """
    program = f"python -m commands.{name}".rstrip(".")
    described = f"{wrapped(what)}\n\nexample:\n  {f'{program} {example}'.strip()}"
    return ArgumentParser(prog=program, description=described, **HELP)


def modules(folder: Path) -> Iterator[str]:
    """Yield what can be called of a folder's modules and packages, with the first line of each."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "\nif __name__ ==" in text and path != folder / "__main__.py":
            is_package = path.stem == "__main__"
            if is_package:
                text = path.with_name("__init__.py").read_text(encoding="utf-8")
            name = path.parent.name if is_package else path.stem
            found[name] = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
    width = max(map(len, found)) + len(BETWEEN)
    for name, what in found.items():
        yield wrapped(f"{name:<{width}}{what}", indent=" " * width)


def say(line: str = "") -> None:
    """Print a line, which goes on below where it is long, or lines or a table as they are."""
    is_one = "\n" not in line
    sys.stdout.write(f"{wrapped(line) if is_one else line}\n")


def wrapped(line: str, indent: str = "") -> str:
    """Return words in lines of at most `COLUMNS`; those after the first are indented.

    A line that ends with a command stays whole: broken, it could not be copied.
    """
    if len(line) <= COLUMNS or TO_COPY in line:
        return line
    return textwrap.fill(
        line,
        COLUMNS,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def text_table(
    rows: Sequence[Sequence[str]], width: int | None = COLUMNS, num_words: int | None = None
) -> str:
    """Return rows as a table with aligned columns: words to the left, then numbers to the right.

    Args:
        rows: cells, the heads first.
        width: of the table: the widest columns of words are cut, in the middle of a cell, until it
            fits; None: whatever it takes.
        num_words: how many columns are of words; all but the last by default.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    num_words = len(widths) - 1 if num_words is None else num_words
    room = (width or sys.maxsize) - len(BETWEEN) * (len(widths) - 1)
    while sum(widths) > room and max(widths[:num_words], default=0) > NARROWEST:
        widths[widths.index(max(widths[:num_words]))] -= 1
    return "\n".join(
        BETWEEN.join(
            shortened(cell, width).ljust(width) if place < num_words else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def shortened(text: str, length: int) -> str:
    """Return a text of at most so many characters, without its middle where it is longer."""
    if len(text) <= length:
        return text
    end = (length - 1) // 2
    return f"{text[: length - 1 - end]}…{text[len(text) - end :] if end else ''}"


def in_yaml(value: object) -> str:
    """Return a setting in one line, as it stands in params.yaml."""
    yaml, made = YAML(), io.StringIO()
    yaml.default_flow_style, yaml.width = True, sys.maxsize
    yaml.dump({"": value}, made)
    return made.getvalue().strip()[1:-1].partition(": ")[2]
