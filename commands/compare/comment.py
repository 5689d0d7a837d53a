"""A review as Markdown, for a comment on a pull request."""

import re
from collections.abc import Iterable, Iterator, Sequence

from commands.compare.comment_sections import lists, sections
from commands.compare.markdown import Cell, Code, Row, Section, said
from commands.compare.review import Review
from commands.console import wrapped
from stages.report.pictures.figures import printable

# GitHub takes 65,536 characters; metrics and links stand beside.
MOST_CHARACTERS = 60_000
MOST_ROWS = 40  # of a table
MOST_LETTERS = 100  # of the user's own text in a cell
LETTERS_IN_TERMINAL = 26


def comment(reviews: Sequence[Review], most_letters: int = MOST_LETTERS) -> str:
    """Return reviews as Markdown of at most `MOST_CHARACTERS`, the most important parts first."""
    blocks = (block for review in reviews for block in _blocks(review, most_letters))
    return fitted(blocks, MOST_CHARACTERS)


def for_terminal(reviews: Sequence[Review]) -> str:
    """Return the same in lines of at most 100 characters, as far as the user's names allow.

    GitHub would show the lines of a sentence as they are broken.
    """
    lines = comment(reviews, LETTERS_IN_TERMINAL).splitlines()
    return "\n".join(line if line.startswith("|") else wrapped(line) for line in lines)


def _blocks(review: Review, most_letters: int) -> Iterator[str]:
    yield f"## Selection: {code(review.first.name)} → {code(review.second.name)}\n\n"
    if review.problems:
        yield "Not compared:\n\n" + "".join(f"- {code(line, None)}\n" for line in review.problems)
        yield "\n"
    for section in (*sections(review), *lists(review)):
        yield _block(section, most_letters)


def _block(section: Section, most_letters: int) -> str:
    text = "".join(f"{sentence}\n" for sentence in section.sentences)
    table = text_table(section.rows[:MOST_ROWS], section.decimals, most_letters)
    if len(section.rows) > MOST_ROWS:
        table += f"\n… and {len(section.rows) - MOST_ROWS} more.\n"
    body = f"{text}\n{table}" if text and table else text + table
    if section.is_long:
        # Markdown inside needs the empty lines.
        return f"<details><summary>{section.title}</summary>\n\n{body}\n</details>\n\n"
    return f"### {section.title}\n\n{body}\n"


def fitted(blocks: Iterable[str], limit: int) -> str:
    """Return the blocks that fit into so many characters, and how many did not."""
    left, kept, num_left_out = limit - 100, [], 0
    for block in blocks:
        if len(block) > left:
            num_left_out += 1
        else:
            kept.append(block)
            left -= len(block)
    if num_left_out:
        parts = "part is" if num_left_out == 1 else "parts are"
        kept.append(f"{num_left_out} {parts} too long for a comment; `--html` shows all.\n")
    return "".join(kept)


def text_table(rows: Sequence[Row], decimals: int = 4, most_letters: int = MOST_LETTERS) -> str:
    """Return rows as a table with aligned columns: words to the left, numbers to the right."""
    if not rows:
        return ""
    header = list(rows[0])
    cells = [header]
    cells += [[_cell(value, decimals, most_letters) for value in row.values()] for row in rows]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    is_text = [isinstance(value, str) for value in rows[0].values()]
    lines = [
        [
            cell.ljust(width) if text else cell.rjust(width)
            for cell, width, text in zip(line, widths, is_text, strict=True)
        ]
        for line in cells
    ]
    rule = [
        "-" * width if text else "-" * (width - 1) + ":"
        for width, text in zip(widths, is_text, strict=True)
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in (lines[0], rule, *lines[1:]))


def _cell(value: Cell, decimals: int, most_letters: int) -> str:
    if isinstance(value, Code):
        # A table splits its cells first, even within code.
        return code(value, most_letters).replace("|", r"\|")
    return said(value, decimals)


def code(text: str, most_letters: int | None = MOST_LETTERS) -> str:
    """Return a text in which Markdown sees no markup and GitHub nobody's name, on one line."""
    line = printable(" ".join(text.split())) or "(empty)"
    if most_letters is not None and len(line) > most_letters:
        line = f"{line[: most_letters - 1]}…"
    longest = max(map(len, re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{padding}{line}{padding}{fence}"
