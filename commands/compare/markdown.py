"""Tables of a review, before they are Markdown or HTML."""

from dataclasses import dataclass, field


class Code(str):
    """The user's own text, such as a sample id: shown as it stands, never read as markup."""

    __slots__ = ()


Cell = str | int | float
Row = dict[str, Cell]


@dataclass(frozen=True)
class Section:
    """A title, sentences, and a table, which may be empty."""

    title: str
    sentences: list[str]
    rows: list[Row] = field(default_factory=list)
    decimals: int = 4  # of the numbers in it
    is_long: bool = False  # shown where somebody asks for it


def said(value: Cell, decimals: int) -> str:
    """Return a cell as text."""
    return f"{value:.{decimals}f}" if isinstance(value, float) else str(value)
