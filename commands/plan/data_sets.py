"""How many samples there are: of the prepared data, or of the files that prepare will read.

Files are counted by name and one image is read; nothing else of them is looked at.
"""

import csv
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from stages.shared import artifacts
from stages.shared.artifacts import Meta, Split, load_table
from stages.shared.errors import DataError
from stages.shared.samples.decoding import MOST_RESIDENT, decode_or_describe, pixels_of
from stages.shared.settings.params import Params
from stages.shared.settings.sections import Dataset

# Samples of train and test, the shape of one, classes: data sets that come with their library or
# are downloaded. A test holds the embedded ones against what prepare loads.
KNOWN: dict[str, tuple[int, int, list[int], int]] = {
    "amazon_full": (3_000_000, 650_000, [], 5),
    "amazon_polarity": (3_600_000, 400_000, [], 2),
    "cifar10": (50_000, 10_000, [32, 32, 3], 10),
    "cifar100": (50_000, 10_000, [32, 32, 3], 100),
    "digit_scenes": (1_200, 300, [96, 96, 1], 10),
    "digits": (1_797, 0, [8, 8, 1], 10),
    "fashion_mnist": (60_000, 10_000, [28, 28, 1], 10),
    "mnist": (60_000, 10_000, [28, 28, 1], 10),
}
CLASSES_OF_OBJECTS = {"coco": 80, "voc": 20}
SPLITS_OF_FOLDERS: dict[str, Split] = {
    "test": "test",
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}
IMAGES = frozenset(
    (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
MOST_FILES = 100  # whose names are kept
BYTES_PREPARED = 1.8  # of a byte of a table of texts: itself, and 4 for a word of 5 letters
WORDS_OF_TEXT = 80  # where nothing is prepared, as in the Amazon reviews
ROWS_OF_CLASSES = 10_000  # of a table of texts, which tell how many classes there are


@dataclass(frozen=True)
class Data:
    """What the stages will read."""

    meta: Meta
    is_prepared: bool
    storage: str  # memory or files: where the images of the prepared data lie
    input_bytes: float  # of one sample's inputs, prepared in memory
    files: Sequence[Path]  # some of the user's image files: decoding is measured on them

    @property
    def num_train(self) -> int:
        """N."""
        return self.meta.num_samples["train"]

    @property
    def num_samples(self) -> int:
        """Samples of all splits."""
        return sum(self.meta.num_samples.values())

    @property
    def are_images(self) -> bool:
        """Whether the samples are images; texts stay on disk."""
        return len(self.meta.input_shape) > 1


def load_data(params: Params, prepared: Path | None) -> Data:
    """Return the prepared data, or without that folder what prepare will make of the files.

    Raises:
        DataError: there is nothing to count.
    """
    if prepared is not None:
        return _prepared(prepared)
    found = count(params)
    meta = _meta(params, found)
    root = Path(params.dataset.root)
    return Data(
        meta=meta,
        is_prepared=False,
        storage=_storage(params.dataset, found, meta),
        input_bytes=found.text_bytes or math.prod(meta.input_shape),
        files=[root / name for name in found.files],
    )


def _prepared(prepared: Path) -> Data:
    meta = artifacts.load_meta(prepared)
    files: list[Path] = []
    if is_list := artifacts.has_file_list(prepared, "train"):
        listed = artifacts.load_file_list(prepared, "train")
        step = max(1, len(listed.names) // MOST_FILES)
        files = [Path(listed.root) / name for name in listed.names[::step]]
    is_image = len(meta.input_shape) > 1
    sizes = [path.stat().st_size for path in (prepared / "train").glob("t*.npy")]
    return Data(
        meta=meta,
        is_prepared=True,
        storage="files" if is_list else "memory",
        input_bytes=math.prod(meta.input_shape)
        if is_image
        else sum(sizes) / meta.num_samples["train"],
        files=files,
    )


@dataclass(frozen=True)
class Counted:
    """What lies in a data set's folder, or what is known of the data set."""

    splits: Mapping[Split, int]  # as the data set gives them; without a split of its own: train
    shape: list[int]  # of one sample; empty: that of the example, or of a text
    num_classes: int
    files: Sequence[str] = ()  # some of them, below the root
    text_bytes: float = 0.0  # of one text, prepared


def count(params: Params) -> Counted:
    """Count the samples of a data set that is not prepared.

    Raises:
        DataError: dataset.root holds nothing yet.
    """
    dataset, root = params.dataset, Path(params.dataset.root)
    if dataset.name in KNOWN:
        train, test, shape, num_classes = KNOWN[dataset.name]
        splits: dict[Split, int] = {"train": train, "test": test} if test else {"train": train}
        return Counted(splits, shape, num_classes)
    if params.rules.inputs == "texts":
        return _count_rows(root)
    if dataset.manifest is not None:
        return _count_manifest(Path(dataset.manifest))
    found = _count_images(root)
    if not found.files:
        raise DataError(
            f"params.yaml: dataset.root is {dataset.root!r}; found no image to count below it; it "
            "must hold the data that prepare is to read"
        )
    return found


def _count_images(root: Path) -> Counted:
    """Count the image files below a folder by the split that its first folder names."""
    splits: dict[Split, int] = {}
    classes: set[str] = set()
    files: list[str] = []
    for place, _, names in os.walk(root):
        images = [name for name in names if Path(name).suffix.lower() in IMAGES]
        if images:
            parts = Path(place).relative_to(root).parts
            split = SPLITS_OF_FOLDERS.get(parts[0]) if len(parts) > 1 else None
            splits[split or "train"] = splits.get(split or "train", 0) + len(images)
            classes.add(parts[1] if split else "/".join(parts[:1]))
            files += [str(Path(*parts, name)) for name in images[: MOST_FILES - len(files)]]
    return Counted(splits, [], len(classes), files)


def _count_manifest(path: Path) -> Counted:
    rows = load_table(path, ["path", "label", "split"])
    splits: dict[Split, int] = {}
    for row in rows:
        split = SPLITS_OF_FOLDERS.get(row[2], "train")
        splits[split] = splits.get(split, 0) + 1
    files = [row[0] for row in rows[:MOST_FILES]]
    return Counted(splits, [], len({row[1] for row in rows}), files)


def _count_rows(root: Path) -> Counted:
    """Count the lines of train.csv and test.csv; a text with line feeds in it counts twice."""
    splits: dict[Split, int] = {}
    for split in ("train", "test"):
        path = root / f"{split}.csv"
        if path.exists():
            with path.open("rb") as file:
                blocks = iter(lambda: file.read(2**20), b"")
                splits[split] = sum(block.count(b"\n") for block in blocks)
    if "train" not in splits:
        raise DataError(
            f"dataset.root is {str(root)!r}: found no train.csv to count; it must hold the data "
            "that prepare is to read"
        )
    with (root / "train.csv").open(encoding="utf-8", errors="replace", newline="") as file:
        classes = {row[0] for row in islice(csv.reader(file), ROWS_OF_CLASSES) if row}
    num_bytes = sum((root / f"{split}.csv").stat().st_size for split in splits)
    text_bytes = BYTES_PREPARED * num_bytes / max(1, sum(splits.values()))
    return Counted(splits, [], len(classes), text_bytes=text_bytes)


def split_counts(given: Mapping[Split, int], dataset: Dataset) -> dict[str, int]:
    """Return how many samples each split will have, by the arithmetic of `prepare`, within a few.

    Without a test split the validation split is the test, without that one of `num_folds` folds;
    validation is then a share of what remains.
    """
    train, test = given.get("train", 0), given.get("test", given.get("validation", 0))
    validation = given.get("validation", 0) if "test" in given else 0
    if not test:
        test = round(train / dataset.num_folds)
        train -= test
    if not validation:
        validation = round(train * dataset.validation_fraction)
        train -= validation
    return {"train": train, "validation": validation, "test": test}


def _meta(params: Params, found: Counted) -> Meta:
    shape = found.shape or _shape(params, found)
    is_image = len(shape) > 1
    channels = shape[-1] if is_image else 1
    num_classes = CLASSES_OF_OBJECTS.get(params.dataset.name, found.num_classes)
    return Meta(
        task=params.task,
        dataset=params.dataset.name,
        class_names=[str(number) for number in range(num_classes)],
        input_shape=shape,
        mean=[0.5 if is_image else WORDS_OF_TEXT] * channels,
        std=[0.25] * channels,
        num_samples=split_counts(found.splits, params.dataset),
        fingerprint="not prepared",
    )


def _shape(params: Params, found: Counted) -> list[int]:
    size = params.dataset.image_size
    if params.rules.inputs == "texts":
        return [params.dataset.text_length]
    if size is not None:
        width, height = pixels_of(size)
        return [height, width, 3]
    image = decode_or_describe(Path(params.dataset.root), found.files[0], None)
    if isinstance(image, str):
        raise DataError(f"dataset.root is {params.dataset.root!r}: {image}")
    return list(image.shape)


def _storage(dataset: Dataset, found: Counted, meta: Meta) -> str:
    if not found.files:
        return "memory"
    if dataset.storage != "auto":
        return dataset.storage
    num_bytes = sum(meta.num_samples.values()) * math.prod(meta.input_shape)
    return "files" if num_bytes > MOST_RESIDENT else "memory"
