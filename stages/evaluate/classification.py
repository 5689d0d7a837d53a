"""What the predictions of a classifier are worth.

Of each prediction only the class, its probability and that of the label are kept: every metric
follows from them, and memory does not grow with the number of classes.

Metrics are our own: torchmetrics takes 6.1 s to import, scikit-learn 1.3 s, and each evaluation is
a process. Tests hold them against those libraries' bit by bit.

Shapes: M members (one more row for their ensemble), T samples of a split, B batch, C classes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.evaluate import above_chance
from stages.shared import artifacts, tasks
from stages.shared.artifacts import ENSEMBLE, Array, Checkpoint, Evaluation, Floats, Ints, Split
from stages.shared.measuring import jackknife, user_groups
from stages.shared.prediction import forward_passes
from stages.shared.settings.sections import Evaluate

PRECISION = "fp32"  # whatever they were trained in
METRICS = (
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "log_loss",
    "calibration_error",
    "validation_accuracy",
    "above_chance",
)
CALIBRATION_BINS = 15
# The least probability that counts: a label that float32 rounds to 0 then costs 87 nats.
LEAST_PROBABILITY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Outcomes:
    """What is kept of the predictions on one split; the last row is the ensemble."""

    predicted_MT: Ints
    confidence_MT: npt.NDArray[np.float64]  # probability of the predicted class
    label_probability_MT: npt.NDArray[np.float64]
    targets_T: Ints

    @property
    def correct_MT(self) -> npt.NDArray[np.bool_]:  # noqa: N802 - a shape suffix
        """Whether each row is right."""
        return self.predicted_MT == self.targets_T


def evaluate(
    prepared: Path, model: Path, checkpoints: Sequence[Checkpoint], settings: Evaluate
) -> Evaluation:
    """Predict validation and test with a checkpoint of each member; say what they are worth."""
    found = measured(
        checkpoints,
        validation=_predict(prepared, "validation", model, checkpoints, settings),
        test=_predict(prepared, "test", model, checkpoints, settings),
        class_names=artifacts.load_meta(prepared).class_names,
    )
    return replace(found, values=dict(_by_group(prepared, found.values)))


def _by_group(prepared: Path, values: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """Yield what the user's groups say in place of the samples; without groups the same."""
    test, validation = (user_groups.of_split(prepared, split) for split in ("test", "validation"))
    for name, values_MT in values.items():
        group_T = validation if name.startswith("validation_") else test
        yield name, user_groups.by_group(values_MT, group_T)


def _predict(
    prepared: Path,
    split: Split,
    model: Path,
    checkpoints: Sequence[Checkpoint],
    settings: Evaluate,
) -> Outcomes:
    batches = forward_passes.forward_passes(
        model, checkpoints, prepared, split, settings.batch_size, PRECISION
    )
    task = tasks.load(artifacts.load_meta(prepared).task)
    predicted = forward_passes.predict(task, batches, settings.views)
    return collect(
        ((rows, probs_MBC.cpu().numpy()) for rows, probs_MBC in predicted),
        artifacts.load_targets(prepared, split),
        len(checkpoints),
    )


def collect(
    batches: Iterable[tuple[slice, npt.NDArray[np.float32]]], targets_T: Ints, num_members: int
) -> Outcomes:
    """Reduce probabilities, given batch by batch as (rows, probs_MBC), to what the metrics need.

    The ensemble predicts with the mean of its members' probabilities, taken in float64.
    """
    shape = (num_members + 1, len(targets_T))
    outcomes = Outcomes(np.empty(shape, np.int64), np.empty(shape), np.empty(shape), targets_T)
    for rows, probs_MBC in batches:
        members_MBC = probs_MBC.astype(np.float64)
        probs = np.concatenate([members_MBC, members_MBC.mean(axis=0, keepdims=True)])
        labels = targets_T[rows][None, :, None]
        outcomes.predicted_MT[:, rows] = probs.argmax(axis=2)
        outcomes.confidence_MT[:, rows] = probs.max(axis=2)
        outcomes.label_probability_MT[:, rows] = np.take_along_axis(probs, labels, axis=2)[..., 0]
    return outcomes


def measured(
    checkpoints: Sequence[Checkpoint],
    *,
    validation: Outcomes,
    test: Outcomes,
    class_names: Sequence[str],
) -> Evaluation:
    """Measure each member, given by its checkpoint, their mean and their ensemble."""
    chance_MT = [above_chance.of_classes(row, test.targets_T) for row in test.predicted_MT]
    pseudo = {name: _pseudo_values(name, test) for name in ("balanced_accuracy", "macro_f1")}
    of_test = {"accuracy": test.correct_MT, **pseudo}
    *members, ensemble = [
        {
            **measure(test, row),
            "validation_accuracy": float(validation.correct_MT[row].mean()),
            "above_chance": float(chance_T.mean()),
        }
        for row, chance_T in enumerate(chance_MT)
    ]
    return Evaluation(
        members=[
            {"member": checkpoint.member, "epoch": checkpoint.epoch, **values}
            for checkpoint, values in zip(checkpoints, members, strict=True)
        ],
        mean={name: float(np.mean([values[name] for values in members])) for name in METRICS},
        ensemble=ensemble,
        by_class=_by_class(test, class_names),
        values={
            **{name: values_MT[:-1] for name, values_MT in of_test.items()},
            **{f"{ENSEMBLE}{name}": values_MT[-1:] for name, values_MT in of_test.items()},
            "validation_accuracy": validation.correct_MT[:-1],
            "above_chance": np.stack(chance_MT[:-1]),
        },
    )


def _pseudo_values(metric: str, outcomes: Outcomes) -> Floats:
    """Return the pseudo-values of each row and sample, [M, T]."""
    rows = outcomes.predicted_MT
    return np.stack([jackknife.of_classes(metric, row_T, outcomes.targets_T) for row_T in rows])


def measure(outcomes: Outcomes, row: int) -> dict[str, float]:
    """Return the metrics of one row: shares in [0, 1], log loss in nats.

    Balanced accuracy and macro-F1 are means over the classes that the split holds: of their recall,
    and of their F1. The calibration error is the expected one
    (Guo et al. 2017, equation 5): |accuracy - confidence| in 15 bins of equal width, weighted by
    their samples.
    """
    predicted_T, targets_T = outcomes.predicted_MT[row], outcomes.targets_T
    return {
        "accuracy": float(outcomes.correct_MT[row].mean()),
        **{
            name: jackknife.mean_over_classes(name, predicted_T, targets_T)
            for name in ("balanced_accuracy", "macro_f1")
        },
        "log_loss": log_loss(outcomes.label_probability_MT[row]),
        "calibration_error": calibration_error(
            outcomes.confidence_MT[row], outcomes.correct_MT[row]
        ),
    }


def calibration_error(
    confidence_T: npt.NDArray[np.float64], correct_T: npt.NDArray[np.bool_]
) -> float:
    """Return the expected calibration error in [0, 1], over 15 bins of equal width."""
    bin_T = np.minimum((confidence_T * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    gap = np.bincount(bin_T, weights=correct_T - confidence_T)
    return float(np.abs(gap).sum() / len(confidence_T))


def log_loss(label_probability_T: npt.NDArray[np.float64]) -> float:
    """Return the mean of -log p(label), in nats, finite where p is 0."""
    return float(-np.log(np.maximum(label_probability_T, LEAST_PROBABILITY)).mean())


def _by_class(test: Outcomes, class_names: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """Return how many test samples a class has, and the share that a member gets right."""
    rows = {}
    for index, name in enumerate(class_names):
        correct = test.correct_MT[:-1, test.targets_T == index]
        accuracy = float(correct.mean()) if correct.size else None
        rows[name] = {"num": correct.shape[1], "accuracy": accuracy}
    return rows
