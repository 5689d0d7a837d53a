"""A review as one HTML page of its own, with pictures of what was added and removed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from commands.compare.comment_sections import ADDED, REMOVED, said_of, sections
from commands.compare.markdown import Code, said
from commands.compare.review import Review
from commands.compare.revision_files import Files
from commands.compare.revisions import PREPARED
from commands.compare.subset_changes import Moved
from stages.report.pages import render
from stages.report.run.labels import Labels
from stages.report.run.reading import drawing_of
from stages.shared.artifacts import Array
from stages.shared.errors import UserError

MOST_SHOWN = 24  # samples that were added, and as many that were removed


@dataclass(frozen=True)
class Tile:
    """A sample that was added or removed."""

    name: str
    content: Array | str  # a picture, uint8 [H, W, 3], or a text
    label: str
    told: str  # of its label
    rank: str


@dataclass(frozen=True)
class Gallery:
    """The first that were added, or removed."""

    title: str
    num: int  # of all of them
    num_shown: int
    kind: str  # of samples
    tiles: list[Tile]
    problem: str | None  # why they cannot be shown


def page(reviews: Sequence[Review]) -> str:
    """Return reviews as a whole page."""
    return render(
        "changes.html",
        Path(__file__).parent / "templates",
        title=" · ".join(f"{one.first.name} → {one.second.name}" for one in reviews),
        reviews=[(one, list(sections(one)), list(_galleries(one))) for one in reviews],
        is_code=lambda value: isinstance(value, Code),
        said=said,
    )


def _galleries(review: Review) -> Iterator[Gallery]:
    if review.subsets is not None and review.labels is not None:
        yield _gallery(ADDED, review.second, review.labels[1], review.subsets.came)
        yield _gallery(REMOVED, review.first, review.labels[0], review.subsets.went)


def _gallery(title: str, files: Files, labels: Labels, moved: Sequence[Moved]) -> Gallery:
    """Return the first that were added, or removed, as the revision's task shows its samples."""
    shown, kind = moved[:MOST_SHOWN], files.rules.gallery
    tiles, problem = [], None
    try:
        tiles = list(_tiles(files, labels, shown, was_added=title == ADDED))
    except UserError as error:
        problem = str(error)
    return Gallery(title, len(moved), len(shown), kind, tiles, problem)


def _tiles(
    files: Files, labels: Labels, shown: Sequence[Moved], *, was_added: bool
) -> Iterator[Tile]:
    if not shown:
        return
    drawing = drawing_of(files.rules.gallery)
    inputs_N = files.read(lambda root: drawing.load(root / PREPARED), f"{PREPARED}/train")
    for one in shown:
        label = labels.said_of(one.row)
        yield Tile(
            one.sample_id,
            drawing.on_page(inputs_N, labels, one.row),
            label,
            label if labels.boxes else f"label {label}",
            said_of(one, was_added=was_added),
        )
