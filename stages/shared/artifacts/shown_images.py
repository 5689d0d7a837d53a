"""What a network was shown of the stored images: part of data/embeddings and data/evaluation."""

from dataclasses import dataclass
from pathlib import Path

from stages.shared.artifacts.formats import load_record, no_other_keys, save_json


@no_other_keys
@dataclass(frozen=True)
class Shown:
    """What people are told of a network's preprocessing."""

    model: str
    source: str  # who says so
    stored: list[int]  # H, W of the images
    size: int  # edge in pixels that the network is made for
    resize: int  # shorter side before so many are cropped
    interpolation: str
    mean: list[float]  # of each colour, as a share of 255; none: those of the train split
    std: list[float]
    takes_any_size: bool  # whether a smaller image stays as it is


def save_shown(folder: Path, shown: Shown | None) -> None:
    """Write shown.json; where there is nothing to tell, no file."""
    if shown:
        save_json(folder / "shown.json", vars(shown))


def load_shown(folder: Path) -> Shown | None:
    """Return what a network was shown; None: images as they are stored.

    Raises:
        ArtifactError: the file says something else.
    """
    path = folder / "shown.json"
    return load_record(path, Shown) if path.exists() else None
