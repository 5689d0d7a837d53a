"""Split the data and write it as arrays, or list its files."""

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import numpy as np

from stages.prepare import splits, storage
from stages.prepare.sources import Source
from stages.prepare.statistics import Fingerprint, ValueCounts
from stages.shared import artifacts, command
from stages.shared.artifacts import SPLITS, Ints, Meta, Split
from stages.shared.errors import DataError
from stages.shared.files import atomic_folder
from stages.shared.params import Params, load_params
from stages.shared.params_sections import Dataset

MAX_LISTED = 20


def main(prepared: Path, scratch: Path) -> None:
    """Split the data and write it as arrays, or list its files."""
    params = load_params()
    source: Source = import_module(f"stages.prepare.datasets.{params.dataset.name}").load(
        params.dataset
    )
    rows = splits.assign(source, params.dataset)
    with atomic_folder(prepared) as folder:
        problems = splits.problems(source, rows)
        reading = _Reading(folder, source, storage.choose(params.dataset, source))
        for split in SPLITS:
            reading.write_split(split, rows[split])
        problems += reading.problems
        if problems:
            raise DataError(_describe(problems, params.dataset))
        artifacts.save_meta(folder, _meta(params, reading, rows))
    artifacts.save_json(scratch / "model.json", {})


@dataclass
class _Reading:
    """Every image is read once: it is written, counted and hashed as it comes."""

    folder: Path
    source: Source
    storage: str
    problems: list[str] = field(default_factory=list)  # with the images
    fingerprint: Fingerprint = field(default_factory=Fingerprint)

    def __post_init__(self) -> None:
        self.counts = ValueCounts(self.source.images.shape[-1])

    def write_split(self, split: Split, rows_N: Ints) -> None:
        """Write the samples of a split."""
        images, targets_N = self.source.images, self.source.targets_N[rows_N]
        artifacts.save_targets(self.folder, split, targets_N)
        sample_ids = [self.source.sample_ids[row] for row in rows_N]
        artifacts.save_sample_ids(self.folder, split, sample_ids)
        store = storage.open_store(self.storage, self.folder, split, images, rows_N)
        # What is tested on is no part of any training's name.
        fingerprint = Fingerprint() if split == "test" else self.fingerprint
        fingerprint.begin(np.uint8, (len(rows_N), *images.shape))
        for images_BHWK, problems in images.read(rows_N):
            self.problems += problems
            store.add(images_BHWK)
            fingerprint.add(images_BHWK)
            if split == "train":
                self.counts.add(images_BHWK)
        store.finish()
        fingerprint.begin(targets_N.dtype, targets_N.shape)
        fingerprint.add(targets_N)


def _meta(params: Params, reading: _Reading, rows: dict[Split, Ints]) -> Meta:
    mean_K, std_K = reading.counts.mean_and_std()
    return Meta(
        task=params.task,
        dataset=params.dataset.name,
        class_names=reading.source.class_names,
        image_shape=list(reading.source.images.shape),
        mean=mean_K.tolist(),
        std=std_K.tolist(),
        num_samples={split: len(rows[split]) for split in SPLITS},
        fingerprint=reading.fingerprint.hex(),
    )


def _describe(problems: list[str], dataset: Dataset) -> str:
    hidden = len(problems) - MAX_LISTED
    more = f"; and {hidden} more" if hidden > 0 else ""
    return (
        f"dataset {dataset.name} in {dataset.root}: {'; '.join(problems[:MAX_LISTED])}{more}. "
        "Every class needs train samples, every image must be readable and, without "
        "dataset.image_size, of one size"
    )


if __name__ == "__main__":
    command.run(main)
