"""Prepared images as vectors of their 64 principal components: a table of numbers to train on.

    python -m benchmarks.image_vectors .race_table/mnist/data/prepared data/raw/mnist-vectors

The components are those of the train images alone.

Shapes: N images, D numbers of each, P components.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stages.shared import artifacts
from stages.shared.artifacts import Array
from stages.shared.artifacts.csv_files import save_table

NUM_COMPONENTS = 64


def main(arguments: Sequence[str] | None = None) -> None:
    """Write `<split>.npy` and `<split>.csv` as the data set `embeddings` reads them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("prepared", type=Path, help="images in memory, as prepare writes them")
    parser.add_argument("folder", type=Path)
    parsed = parser.parse_args(arguments)
    parsed.folder.mkdir(parents=True, exist_ok=True)
    mean_D, component_DP = components(_flat(parsed.prepared, "train"), NUM_COMPONENTS)
    for split in artifacts.SPLITS:
        vectors_NP = (_flat(parsed.prepared, split) - mean_D) @ component_DP
        np.save(parsed.folder / f"{split}.npy", vectors_NP)
        targets_N = artifacts.load_targets(parsed.prepared, split)
        rows = [(f"{split}/{row}", str(label)) for row, label in enumerate(targets_N.tolist())]
        save_table(parsed.folder / f"{split}.csv", ["sample_id", "label"], rows)


def components(values_ND: Array, count: int) -> tuple[Array, Array]:
    """Return the mean [D] and the principal components [D, P], that of most variance first."""
    mean_D = values_ND.mean(axis=0)
    centred_ND = values_ND - mean_D
    _, vector_DD = np.linalg.eigh(centred_ND.T @ centred_ND)
    return mean_D, vector_DD[:, ::-1][:, :count]


def _flat(prepared: Path, split: artifacts.Split) -> Array:
    inputs_NHWK = np.asarray(artifacts.load_inputs(prepared, split), dtype=np.float32)
    return inputs_NHWK.reshape(len(inputs_NHWK), -1) / np.float32(255)


if __name__ == "__main__":
    main()
