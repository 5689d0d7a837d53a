"""Split the data and write it as arrays."""

from importlib import import_module
from pathlib import Path

from stages.prepare import splits
from stages.prepare.sources import Source
from stages.prepare.statistics import channel_mean_and_std, fingerprint
from stages.shared import artifacts, command
from stages.shared.artifacts import SPLITS, Ints, Meta, Split
from stages.shared.errors import DataError
from stages.shared.files import atomic_folder
from stages.shared.params import Params, load_params
from stages.shared.params_sections import Dataset

MAX_LISTED = 20


def main(prepared: Path, scratch: Path) -> None:
    """Split the data and write it as arrays."""
    params = load_params()
    source: Source = import_module(f"stages.prepare.datasets.{params.dataset.name}").load(
        params.dataset
    )
    rows = splits.assign(source, params.dataset)
    with atomic_folder(prepared) as folder:
        problems = splits.problems(source, rows)
        for split in SPLITS:
            problems += _write_split(folder, split, source, rows[split])
        if problems:
            raise DataError(_describe(problems, params.dataset))
        artifacts.save_meta(folder, _meta(folder, params, source, rows))
    artifacts.save_json(scratch / "model.json", {})


def _write_split(folder: Path, split: Split, source: Source, rows_N: Ints) -> list[str]:
    artifacts.save_targets(folder, split, source.targets_N[rows_N])
    artifacts.save_sample_ids(folder, split, [source.sample_ids[row] for row in rows_N])
    return source.images.write(folder / split / "inputs.npy", rows_N)


def _meta(folder: Path, params: Params, source: Source, rows: dict[Split, Ints]) -> Meta:
    inputs_NHWK = artifacts.load_inputs(folder, "train")
    mean_K, std_K = channel_mean_and_std(inputs_NHWK)
    return Meta(
        task=params.task,
        dataset=params.dataset.name,
        class_names=source.class_names,
        image_shape=list(inputs_NHWK.shape[1:]),
        mean=mean_K.tolist(),
        std=std_K.tolist(),
        num_samples={split: len(rows[split]) for split in SPLITS},
        fingerprint=fingerprint(folder),
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
