"""How many samples there are: of the prepared data, or of the data set that prepare will read."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from commands.plan.graph import Stage
from stages.prepare import __main__ as prepare
from stages.prepare import storage
from stages.shared import artifacts, tasks
from stages.shared.artifacts import Meta
from stages.shared.datasets.reading import splits
from stages.shared.datasets.reading.source_images import FoundFiles
from stages.shared.errors import DataError
from stages.shared.running.workspace import located
from stages.shared.settings.params import Params

# Samples of train and test, the shape of one, classes: of data sets that prepare may download, and
# of tables of texts that are too large to be read just to be counted.
KNOWN: dict[str, tuple[int, int, list[int], int]] = {
    "amazon_full": (3_000_000, 650_000, [], 5),
    "amazon_polarity": (3_600_000, 400_000, [], 2),
    "cifar10": (50_000, 10_000, [32, 32, 3], 10),
    "cifar100": (50_000, 10_000, [32, 32, 3], 100),
    "fashion_mnist": (60_000, 10_000, [28, 28, 1], 10),
    "mnist": (60_000, 10_000, [28, 28, 1], 10),
}
MOST_READ = 2**28  # bytes of such a table
BYTES_OF_WORD = 10  # prepared: about six letters, and its number
BYTES_OF_NUMBER = {"images": 1, "vectors": 4}
MOST_FILES = 100  # whose names are kept


@dataclass(frozen=True)
class Data:
    """What the stages will read."""

    meta: Meta
    is_prepared: bool
    files: Sequence[Path] = ()  # some, where the prepared data leaves the images in their files
    to_decode: Sequence[Path] = ()  # some, where prepare will decode images

    @property
    def num_samples(self) -> Mapping[str, int]:
        """Of each split."""
        return self.meta.num_samples

    @property
    def inputs(self) -> str:
        """Images, texts or vectors."""
        return tasks.rules(self.meta.task).inputs

    @property
    def input_bytes(self) -> float:
        """Of one sample's inputs, prepared."""
        if self.inputs == "texts":
            return BYTES_OF_WORD * self.meta.mean[0]
        return BYTES_OF_NUMBER[self.inputs] * math.prod(self.meta.input_shape)


def load_data(params: Params, stages: Sequence[Stage]) -> Data:
    """Return the prepared data where it stays as it is, or what prepare will make of the data set.

    Raises:
        DataError: prepare would refuse it.
    """
    stage = next(stage for stage in stages if stage.kind == "prepare")
    prepared = Path(stage.arguments[0])
    if stage.state == "unchanged" and prepared.exists():
        return _prepared(prepared)
    if _is_known(params):
        return Data(_known(params), is_prepared=False)
    source, rows = prepare.load(params)
    if problems := prepare.wrong_with(source, rows):
        raise DataError(prepare.describe(problems, params, source))
    splits.warn_of_absent_classes(source, rows)
    counts: dict[str, int] = {split: len(rows[split]) for split in rows}
    num_classes = len(source.class_names)
    if params.rules.inputs == "texts":
        words = float(source.inputs.words.lengths(rows["train"]).mean())
        shape = [params.dataset.text_length]
        return Data(_meta(params, num_classes, shape, counts, words), is_prepared=False)
    meta, found = _meta(params, num_classes, list(source.inputs.shape), counts), []
    if params.rules.inputs == "vectors":
        return Data(meta, is_prepared=False)
    if isinstance(source.inputs, FoundFiles):
        found = [source.inputs.root / name for name in _some(source.inputs.names)]
    is_list = storage.choose(params.dataset, source.inputs) == "files"
    return Data(meta, False, files=found if is_list else [], to_decode=found)


def _prepared(prepared: Path) -> Data:
    files: list[Path] = []
    if artifacts.has_file_list(prepared, "train"):
        listed = artifacts.load_file_list(prepared, "train")
        files = [located(listed.root) / name for name in _some(listed.names)]
    return Data(artifacts.load_meta(prepared), is_prepared=True, files=files)


def _is_known(params: Params) -> bool:
    """Return whether nothing of the data set is read to know how many samples it has."""
    table = located(params.dataset.root) / "train.csv"
    is_small = not table.exists() or table.stat().st_size <= MOST_READ
    return params.dataset.name in KNOWN and not (params.rules.inputs == "texts" and is_small)


def _known(params: Params) -> Meta:
    train, test, shape, num_classes = KNOWN[params.dataset.name]
    validation = round(train * params.dataset.validation_fraction)
    counts = {"train": train - validation, "validation": validation, "test": test}
    return _meta(params, num_classes, shape or [params.dataset.text_length], counts)


def _meta(
    params: Params, num_classes: int, shape: list[int], counts: Mapping[str, int], words: float = 80
) -> Meta:
    """Return what meta.json will say; `words` of a text are those of the Amazon reviews."""
    channels = 1 if params.rules.inputs == "texts" else shape[-1]
    return Meta(
        task=params.task,
        dataset=params.dataset.name,
        class_names=[str(number) for number in range(num_classes)],
        input_shape=shape,
        mean=[words if params.rules.inputs == "texts" else 0.5] * channels,
        std=[0.25] * channels,
        num_samples=dict(counts),
        fingerprint="not prepared",
    )


def _some(names: Sequence[str]) -> Sequence[str]:
    return names[:: max(1, len(names) // MOST_FILES)]
