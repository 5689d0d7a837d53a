"""A project of a hundred samples without images, for the stages that read none."""

import json
from pathlib import Path

import numpy as np
import toy

from stages.shared import artifacts
from stages.shared.choosing.limits import load_limits
from stages.shared.settings.params import load_params

CLASS_NAMES = ["common", "rare", "single"]
PREPARED = Path("prepared")


class ToyProject:
    """The working folder of a run: params.yaml, the user's lists and the prepared train split."""

    def __init__(self):
        self._params = toy.default_params()
        self.change({"seed_size": 0.2, "rounds": [{"from": 0.2, "to": 0.5}]})
        for name in ("seed", "include", "exclude"):
            self.write_list(name, [])
        artifacts.save_table(Path("lists/reference.csv"), ["sample_id", "score"], [])
        targets_N = np.repeat([0, 1, 2], [60, 30, 10])
        self.write_samples(
            [f"{number:03d}.png" for number in range(100)],
            np.random.default_rng(0).permutation(targets_N),
        )

    def change(self, values):
        """Set values of params.yaml by their dotted names."""
        toy.set_values(self._params, values)
        Path("params.yaml").write_text(json.dumps(self._params))  # YAML 1.2 includes JSON

    def write_list(self, name, sample_ids):
        """Write one of the user's lists."""
        header = ["sample_id"] if name == "seed" else ["sample_id", "reason"]
        rows = [[sample_id, "because"][: len(header)] for sample_id in sample_ids]
        artifacts.save_table(Path(f"lists/{name}.csv"), header, rows)

    def write_samples(self, sample_ids, targets_N):
        """Write the train split."""
        self.sample_ids, self.targets_N = list(sample_ids), np.asarray(targets_N)
        artifacts.save_sample_ids(PREPARED, "train", self.sample_ids)
        artifacts.save_targets(PREPARED, "train", self.targets_N)
        num_samples = {"train": len(self.sample_ids), "validation": 1, "test": 1}
        meta = artifacts.Meta(
            "image_classification", "toy", CLASS_NAMES, [8, 8, 1], [0.5], [0.2], num_samples, "0"
        )
        artifacts.save_meta(PREPARED, meta)

    @property
    def limits(self):
        """What params.yaml and the lists demand of every subset."""
        return load_limits(PREPARED, self.sample_ids, load_params().select)

    def count_classes(self, index_P):
        """Return how many of these rows are of each class."""
        return np.bincount(self.targets_N[index_P], minlength=len(CLASS_NAMES)).tolist()

    def load_subset(self, path):
        """Return a subset that a stage wrote."""
        return artifacts.load_subset(Path(path), len(self.sample_ids))
