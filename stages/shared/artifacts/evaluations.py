"""Evaluations: data/evaluation/<model>-<subset>."""

from collections.abc import Mapping, Sequence
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

OF_RIGHT_OR_WRONG = ("accuracy", "validation_accuracy", "ensemble_accuracy")
ENSEMBLE = "ensemble_"  # before a metric's name: of all members together


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
    """How well a target model does, and what the samples say of it."""

    # By metric, what each sample, or each of some groups of them, says of each member's: whether it
    # is right (bool), or a pseudo-value of the metric (float64). Their mean is the metric.
    values: dict[str, Array]  # [M, T], of validation metrics [M, V], of the ensemble [1, T]

    def reached(self, metric: str) -> list[float]:
        """Return what each member reaches by a metric, or what the ensemble alone does."""
        name = metric.removeprefix(ENSEMBLE)
        return [row[name] for row in self.rows_of(metric)]

    def rows_of(self, metric: str) -> list[dict[str, float]]:
        """Return all metrics of each member, or of the ensemble alone."""
        return [self.ensemble] if metric.startswith(ENSEMBLE) else self.members


def save_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Write metrics.json and values/<metric>.npy of an evaluation."""
    content = dict(vars(evaluation))
    for name, values_MT in content.pop("values").items():
        save_array(folder / f"values/{name}.npy", values_MT)
    save_json(folder / "metrics.json", content)


def load_evaluation(
    folder: Path, metrics: Sequence[str], num_samples: Mapping[str, int]
) -> Evaluation:
    """Return an evaluation, which must have these metrics, each with the values of the samples.

    Args:
        folder: where it lies.
        metrics: of the task, of its members or of the ensemble; `accuracy` among them says that
            each sample has a value of its own, or each of the user's groups.
        num_samples: of each split that a metric is of, as in meta.json.

    Raises:
        ArtifactError: a metric is missing, or the files speak of different members.
    """
    path = folder / "metrics.json"
    content = load_json(path)
    checked(path, content, Metrics)
    evaluation = Evaluation(**content, values={})
    is_of_samples = _is_of_samples(folder, metrics)
    for name in metrics:
        rows = [*evaluation.members, evaluation.mean, evaluation.ensemble]
        if any(name.removeprefix(ENSEMBLE) not in values for values in rows):
            raise ArtifactError(f"{path}: {name} is missing; it must be written by evaluate")
        values_path = folder / f"values/{name}.npy"
        split = "validation" if name.startswith("validation_") else "test"
        num = num_samples[split] if is_of_samples else None
        dtype = np.bool_ if is_of_samples and name in OF_RIGHT_OR_WRONG else np.float64
        evaluation.values[name] = values_MT = load_array(values_path, dtype, (None, num))
        found, means = evaluation.reached(name), values_MT.mean(axis=1)
        if len(found) != len(means) or not np.allclose(found, means, atol=1e-5):
            raise ArtifactError(
                f"{path}: the members' {name} is {found}; the means of {values_path.name} are "
                f"{means.tolist()}"
            )
    return evaluation


def _is_of_samples(folder: Path, metrics: Sequence[str]) -> bool:
    """Return whether the values are those of single samples: right or wrong is then a bool."""
    if "accuracy" not in metrics:
        return False
    dtypes = (np.bool_, np.float64)
    return load_array(folder / "values/accuracy.npy", dtypes, (None, None)).dtype == np.bool_
