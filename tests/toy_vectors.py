"""Toy vectors: three classes around points of their own, and a params.yaml for them."""

from pathlib import Path
from typing import Any

import numpy as np
import toy

from stages.shared.settings.sections import Dataset


def dataset(root: Path) -> Dataset:
    """Return the section that names vectors below a folder."""
    return Dataset(**params(root)["dataset"])


def params(root: Path) -> dict[str, Any]:
    """Return the content of a params.yaml for vectors: a small head chooses for itself."""
    content = toy.resolved("embeddings_cpu")
    content["dataset"] |= {"root": str(root)}
    for section in ("train_ensemble", "train_subset_model"):
        content[section] |= {"members": 2, "batch_size": 8, "length": {"updates": 20}}
    return content


def write_params(project: Path, root: Path) -> None:
    """Write params.yaml for vectors below `root`."""
    toy.write_params(project, params(root))


def write(root: Path, num: int) -> None:
    """Write so many vectors of 5 numbers as train, with their labels."""
    rng = np.random.default_rng(0)
    targets = np.arange(num) % 3
    vectors = rng.standard_normal((num, 5)) + 2 * np.eye(5)[targets]
    root.mkdir(parents=True, exist_ok=True)
    np.save(root / "train.npy", vectors.astype(np.float32))
    rows = "".join(f"v{row},{'abc'[target]}\n" for row, target in enumerate(targets))
    (root / "train.csv").write_text(f"sample_id,label\n{rows}")
