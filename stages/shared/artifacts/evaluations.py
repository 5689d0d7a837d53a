"""Evaluations: data/evaluation/<model>-<subset>."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.shared.artifacts.formats import (
    Array,
    checked,
    load_array,
    load_json,
    no_other_keys,
    save_array,
    save_json,
)
from stages.shared.errors import ArtifactError


@no_other_keys
@dataclass(frozen=True)
class Metrics:
    """How well a target model does; shares are in [0, 1], log loss in nats.

    Metrics are the task's; each member, the mean and the ensemble have the same.
    """

    members: list[dict[str, float]]  # member, epoch and the metrics of each
    mean: dict[str, float]  # the metrics, mean over the members
    ensemble: dict[str, float]  # the metrics, of all members together
    by_class: dict[str, dict[str, float | None]]  # what is known of each class, over the members


@dataclass(frozen=True)
class Evaluation(Metrics):
    """How well a target model does, and what the test samples say of it."""

    # What each test sample, or each of some groups of them, says of each member's metric: whether
    # it is right (bool), or a pseudo-value of the metric (float64). Their mean is the metric.
    test_values_MT: Array


def save_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Write metrics.json and test_values_MT.npy of an evaluation."""
    content = dict(vars(evaluation))
    save_array(folder / "test_values_MT.npy", content.pop("test_values_MT"))
    save_json(folder / "metrics.json", content)


def load_evaluation(folder: Path, metrics: Sequence[str], num_test: int) -> Evaluation:
    """Return an evaluation, which must have these metrics, the first of them by test sample.

    Raises:
        ArtifactError: a metric is missing, or the two files speak of different members.
    """
    path, values_path = folder / "metrics.json", folder / "test_values_MT.npy"
    content = load_json(path)
    checked(path, content, Metrics)
    # Accuracy is known of each sample, other metrics of groups of them.
    dtype, num = (np.bool_, num_test) if metrics[0] == "accuracy" else (np.float64, None)
    values_MT = load_array(values_path, dtype, (None, num))
    evaluation = Evaluation(**content, test_values_MT=values_MT)
    for name in metrics:
        if any(name not in values for values in [*evaluation.members, evaluation.mean]):
            raise ArtifactError(f"{path}: {name} is missing; it must be written by evaluate")
    found = [values[metrics[0]] for values in evaluation.members]
    means = evaluation.test_values_MT.mean(axis=1)
    if len(found) != len(means) or not np.allclose(found, means, atol=1e-5):
        raise ArtifactError(
            f"{path}: the members' {metrics[0]} is {found}; the means of {values_path.name} are "
            f"{means.tolist()}"
        )
    return evaluation
