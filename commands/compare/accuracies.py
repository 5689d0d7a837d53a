"""How much better or worse the target models of two revisions do on test.

Shapes: M members, T test samples or groups of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from commands.compare.revision_files import Files, MissingError
from commands.compare.revisions import PREPARED, load_sample_ids
from stages.report.formulas.statistics import (
    Estimate,
    Measured,
    paired_difference,
    unpaired_difference,
    verdict,
)
from stages.shared import artifacts
from stages.shared.artifacts import Evaluation

MARGIN = 0.5  # points, of a params.yaml that is older than report.margin

Pairing = Literal["member and sample", "sample", "nothing"]  # what two revisions share


@dataclass(frozen=True)
class AccuracyChange:
    """What one target model reaches when it is trained on what two revisions chose."""

    model: str
    subset: str  # as params name it
    before: float  # points on test, mean over the members
    after: float
    difference: Estimate  # after minus before
    paired_by: Pairing
    verdict: str  # of the second revision, by its report.margin

    @property
    def is_none(self) -> bool:
        """Whether there is nothing to see: not in the mean, and not in its error."""
        return self.difference.interval == (0, 0)


@dataclass(frozen=True)
class Evaluated:
    """The evaluations of one revision."""

    draw: str  # its random seed, as in paths
    margin: float  # in points; what is not worse by more is as good
    test_units: list[str]  # test samples, sorted; or each with its group, as they lie
    measured: dict[tuple[str, str], Measured]  # by model and name of the subset, in points


def metric_of(files: Files) -> str:
    """Return which metric a revision reports."""
    return str(files.settings.at("report.metric", "accuracy"))


def load_evaluated(files: Files, metric: str) -> Evaluated:
    """Read what the target models of a revision reach on test.

    Raises:
        DataError: the evaluations are neither here nor on the remote.
        ArtifactError: they lack the metric.
    """
    settings = files.settings
    test_ids = load_sample_ids(files, "test")
    units = _units(files, test_ids)
    by_id_T = sorted(range(len(test_ids)), key=test_ids.__getitem__)
    measured = {}
    for model in settings.at("compare.models", []):
        for subset in settings.at("compare.subsets", []):
            evaluation = _load_evaluation(files, f"{model}-{subset}", metric, len(test_ids))
            values_MT = 100 * evaluation.values[metric].astype(np.float64)
            if files.rules.has_labels and units is None:  # others are of groups of samples
                values_MT = values_MT[:, by_id_T]
            values_M = 100 * np.array([values[metric] for values in evaluation.members])
            measured[model, subset] = Measured(
                values_M, values_MT, metrics_R=evaluation.rows_of(metric)
            )
    return Evaluated(
        files.draw,
        float(settings.at("report.margin", MARGIN)),
        units or sorted(test_ids),
        measured,
    )


def _units(files: Files, test_ids: list[str]) -> list[str] | None:
    """Return each test sample with its group of the user's; None: there are none."""
    path, num = f"{PREPARED}/test/groups.npy", len(test_ids)
    try:
        group_T = files.read(lambda root: artifacts.load_groups(root / PREPARED, "test", num), path)
    except MissingError:
        return None
    pairs = zip(test_ids, group_T.tolist(), strict=True)
    return [f"{sample_id} in {group}" for sample_id, group in pairs]


def _load_evaluation(files: Files, key: str, metric: str, num_test: int) -> Evaluation:
    metrics, num_samples = (files.rules.metrics[0], metric), {"test": num_test}
    folder = f"data/evaluation/{key}/{files.draw}"
    return files.read(
        lambda root: artifacts.load_evaluation(root / folder, metrics, num_samples), folder
    )


def accuracy_changes(first: Evaluated, second: Evaluated) -> Iterator[AccuracyChange]:
    """Compare each target model on each subset that both revisions evaluated."""
    for (model, subset), before in first.measured.items():
        if (model, subset) in second.measured:
            after = second.measured[model, subset]
            paired_by = _paired_by(first, before, second, after)
            found = difference(before, after, paired_by)
            yield AccuracyChange(
                model=model,
                subset=subset,
                before=float(before.values_R.mean()),
                after=float(after.values_R.mean()),
                difference=found,
                paired_by=paired_by,
                verdict=verdict(found, second.margin),
            )


def _paired_by(first: Evaluated, before: Measured, second: Evaluated, after: Measured) -> Pairing:
    """Say what two measurements have in common.

    The test samples, where both were measured on the same ones; then also the members, where
    member m of both began from the same weights: with one random seed and as many members.
    """
    if (
        first.test_units != second.test_units
        or before.samples_RT.shape[1] != after.samples_RT.shape[1]
    ):
        return "nothing"
    same_members = len(before.values_R) == len(after.values_R)
    if first.draw == second.draw and same_members:
        return "member and sample"
    return "sample"


def difference(before: Measured, after: Measured, paired_by: Pairing) -> Estimate:
    """Return after minus before; what is not paired adds its errors in squares."""
    if paired_by == "member and sample":
        return paired_difference(after, before)
    return unpaired_difference(after, before, same_samples=paired_by == "sample")
