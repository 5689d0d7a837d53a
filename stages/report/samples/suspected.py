"""Samples to look at: likely label errors, blanks, copies of what has another label, outliers.

`python -m commands.suspects` adds them to a list of samples that no subset may hold.

A label is a likely error where every voter that did not learn it (beliefs.py) votes for another
class, and the mean probability of the class that wins is at least what samples of that class have
in the mean: the threshold of confident learning (Northcutt et al. 2021, arXiv 1911.00068), over the
train split. They are ordered by the mean probability of the given label, which is cleanlab's label
quality `self_confidence`.

Shapes: N train samples, S suspects, C classes, M voters.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from stages.report.run.results import Results, Round
from stages.report.samples import alike
from stages.report.samples.beliefs import beliefs
from stages.report.samples.ranking import ranked_candidates
from stages.shared import artifacts
from stages.shared.artifacts import Array, Floats, Ints
from stages.shared.choosing.outliers import all_different, num_highest
from stages.shared.settings.sections import OutlierFraction

HEADER = ["sample_id", "reason"]
OUTLIER = "outlier: "  # so begins the reason of one


def label_suspects(draws: Sequence[Results]) -> Ints:
    """Return the rows whose label is a likely error, the least likely label first, int64 [S].

    Broken samples and those that the user's list leaves out are none, and where a sample has not
    one label there is none.
    """
    believed, targets_N = beliefs(draws), draws[0].targets_N
    if believed is None:
        return np.empty(0, dtype=np.int64)
    threshold_C = _thresholds(believed.quality_N, targets_N, draws[0].meta.num_classes)
    is_sure_N = believed.confidence_N >= threshold_C[believed.predicted_N]
    row_S = contradicted(draws)
    return row_S[is_sure_N[row_S]]


def contradicted(draws: Sequence[Results]) -> Ints:
    """Return the rows whose label no voter gives, surely or not, in the same order, int64 [S]."""
    believed, targets_N = beliefs(draws), draws[0].targets_N
    if believed is None:
        return np.empty(0, dtype=np.int64)
    is_other_N = (believed.num_for_label_N == 0) & (believed.predicted_N != targets_N)
    row_S = np.flatnonzero(is_other_N & ~is_told(draws[0]))
    return row_S[np.argsort(believed.quality_N[row_S], kind="stable")]


def is_told(results: Results) -> Array:
    """Return which samples are told of already, bool [N]: broken, or left out by the user."""
    is_told_N: Array = results.is_excluded_N.copy()
    is_told_N[[*alike.broken(results)]] = True
    return is_told_N


def _thresholds(quality_N: Floats, targets_N: Ints, num_classes: int) -> Floats:
    """Return the mean probability of each class among its own samples; infinite without any."""
    sum_C = np.bincount(targets_N, quality_N, minlength=num_classes)
    count_C = np.bincount(targets_N, minlength=num_classes)
    return np.where(count_C > 0, sum_C / np.maximum(count_C, 1), np.inf)


def outliers(results: Results, entry: Round) -> Ints:
    """Return the rows that a round skipped as outliers, the highest score first, int64 [S].

    A sample of the include list is none.
    """
    setting, ranked_K = results.selecting(entry).outliers, ranked_candidates(results, entry)
    if isinstance(setting, OutlierFraction):
        row_S = ranked_K[: num_highest(setting.fraction, len(results.targets_N))]
    else:
        assert entry.votes is not None  # params.yaml is refused otherwise
        row_S = ranked_K[all_different(entry.votes.votes_MN[:, ranked_K])]
    subset = results.subsets[entry.target]
    return row_S[~np.isin(row_S, subset.index_P[subset.round_P == entry.number])]


def flagged(draws: Sequence[Results]) -> Ints:
    """Return the rows to look at, for whatever reason, int64 [S]; some of them twice.

    Outliers are those of the first draw.
    """
    broken = np.array([*alike.broken(draws[0])], dtype=np.int64)
    return np.concatenate([label_suspects(draws), broken, outliers(draws[0], draws[0].rounds[-1])])


def suspects(draws: Sequence[Results]) -> Iterator[tuple[str, str]]:
    """Yield the id of each sample to look at and why; none twice."""
    results, believed = draws[0], beliefs(draws)
    entry, names = results.rounds[-1], results.meta.class_names
    broken = alike.broken(results)
    for row, reason in broken.items():
        yield results.sample_ids[row], reason
    as_label = label_suspects(draws).tolist()
    for row in as_label:
        assert believed is not None
        label, predicted = results.targets_N[row], believed.predicted_N[row]
        quality = believed.quality_N[row]
        yield (
            results.sample_ids[row],
            f"likely label error: labelled {names[label]} and predicted {names[predicted]} "
            f"(label quality {quality:.3f})",
        )
    for row in outliers(results, entry).tolist():
        if row not in {*as_label, *broken} and not results.is_excluded_N[row]:
            reason = f"{OUTLIER}score {entry.score_N[row]:.4g} in the round to {entry.target}"
            yield results.sample_ids[row], reason


def save_suspects(path: Path, draws: Sequence[Results]) -> None:
    """Write a list of the samples to look at."""
    artifacts.save_table(path, HEADER, suspects(draws))
