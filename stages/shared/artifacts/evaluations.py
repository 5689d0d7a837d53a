"""Evaluations: data/evaluation/<model>-<subset>."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.shared.artifacts.formats import load_array, load_json, save_array, save_json
from stages.shared.errors import ArtifactError

METRICS = (
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "log_loss",
    "calibration_error",
    "validation_accuracy",
)


@dataclass(frozen=True)
class Evaluation:
    """How well a target model does; shares are in [0, 1], log loss in nats."""

    members: list[dict[str, float]]  # member, epoch and METRICS of each
    mean: dict[str, float]  # METRICS, mean over the members
    ensemble: dict[str, float]  # METRICS, of the members' mean probability
    by_class: dict[str, dict[str, float | None]]  # num of test samples, accuracy over the members
    correct_MT: npt.NDArray[np.bool_]  # whether each member is right on each test sample


def save_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Write metrics.json and correct_MT.npy of an evaluation."""
    content = dict(vars(evaluation))
    save_array(folder / "correct_MT.npy", content.pop("correct_MT"))
    save_json(folder / "metrics.json", content)


def load_evaluation(folder: Path, num_test: int) -> Evaluation:
    """Return an evaluation.

    Raises:
        ArtifactError: a metric is missing, or the two files speak of different members.
    """
    path = folder / "metrics.json"
    content = load_json(path)
    try:
        evaluation = Evaluation(
            **content,
            correct_MT=load_array(folder / "correct_MT.npy", np.bool_, (None, num_test)),
        )
    except TypeError as error:
        raise ArtifactError(f"{path}: {error}; it must be written by evaluate") from None
    for name in METRICS:
        if any(name not in values for values in [*evaluation.members, evaluation.mean]):
            raise ArtifactError(f"{path}: {name} is missing; it must be written by evaluate")
    accuracies = [values["accuracy"] for values in evaluation.members]
    shares = evaluation.correct_MT.mean(axis=1)
    if len(accuracies) != len(shares) or not np.allclose(accuracies, shares, atol=1e-5):
        raise ArtifactError(
            f"{path}: the members' accuracies are {accuracies}; those of correct_MT.npy are "
            f"{shares.tolist()}"
        )
    return evaluation
