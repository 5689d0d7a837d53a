"""What the presets are, for a terminal: a line of what each does, and a line of what it costs."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from commands.console import COLUMNS

# A paper with its year, and which of its tables.
SOURCE = re.compile(
    r"\s*\([^()]*\b\d{4}\b[^()]*\)|: (?:the \w+ rows of )?(?:table|section)\b.*",
    re.DOTALL | re.IGNORECASE,
)
END = re.compile(r"(?<=[a-z0-9)%]{3})[.;](?:\s|$)")  # of a sentence, not of `Fig.`
COST = re.compile(r"^Cost +(.*(?:\n +.*)*)", re.MULTILINE)  # and the lines further in


def listed(folder: Path) -> Iterator[str]:
    """Yield the lines of a list of all presets in a folder."""
    heads = {path.stem: head(path.read_text(encoding="utf-8")) for path in folder.glob("*.yaml")}
    indent = 2 + max(map(len, heads), default=0)
    for name, (what, cost) in sorted(heads.items()):
        lines = [what, *([f"cost: {cost}"] if cost else [])]
        for label, line in zip((name, ""), lines, strict=False):
            yield label.ljust(indent) + textwrap.shorten(line, COLUMNS - indent, placeholder=" …")


def head(text: str) -> tuple[str, str]:
    """Return the first sentence of a preset's head, without the paper, and of its cost, or ''."""
    comment = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        comment.append(line.removeprefix("#").removeprefix(" "))
    text = "\n".join(comment)
    what, cost = text.partition("\n\n")[0], COST.search(text)
    return _first_sentence(SOURCE.sub("", what)), _first_sentence(cost[1]) if cost else ""


def _first_sentence(text: str) -> str:
    return END.split(" ".join(text.split()))[0]
