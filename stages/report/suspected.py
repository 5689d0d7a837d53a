"""Samples to look at: likely label errors, blanks, copies of what has another label, outliers.

`python -m commands.suspects` adds them to a list of samples that no subset may hold.

A label is a likely error where every voter of the last round's ensemble votes for another class,
and the mean probability of the class that wins is at least what samples of that class have in the
mean: the threshold of confident learning (Northcutt et al. 2021, arXiv 1911.00068), over the train
split. They are ordered by the mean probability of the given label, which is cleanlab's label
quality `self_confidence`.

Shapes: N train samples, S suspects, C classes, M voters.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from stages.report import alike
from stages.report.ranking import ranked_candidates
from stages.report.results import Results, Round, Votes
from stages.shared import artifacts
from stages.shared.artifacts import Ints
from stages.shared.choosing.outliers import all_different, num_highest
from stages.shared.settings.sections import OutlierFraction

HEADER = ["sample_id", "reason"]


def label_suspects(results: Results) -> Ints:
    """Return the rows whose label is a likely error, the least likely label first, int64 [S].

    Without one label for each sample there are none.
    """
    votes = results.rounds[-1].votes
    if votes is None:
        return np.empty(0, dtype=np.int64)
    contradicted_N = (votes.votes_MN != results.targets_N).all(axis=0)
    contradicted_N &= votes.predicted_class_N != results.targets_N
    threshold_C = _thresholds(votes, results.targets_N, results.meta.num_classes)
    is_sure_N = votes.confidence_N >= threshold_C[votes.predicted_class_N]
    row_S = np.flatnonzero(contradicted_N & is_sure_N)
    return row_S[np.argsort(votes.label_probability_N[row_S], kind="stable")]


def _thresholds(votes: Votes, targets_N: Ints, num_classes: int) -> artifacts.Floats:
    """Return the mean probability of each class among its own samples; infinite without any."""
    sum_C = np.bincount(targets_N, votes.label_probability_N, minlength=num_classes)
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


def flagged(results: Results) -> Ints:
    """Return the rows to look at, for whatever reason, int64 [S]; some of them twice."""
    broken = np.array([*alike.broken(results)], dtype=np.int64)
    return np.concatenate([label_suspects(results), broken, outliers(results, results.rounds[-1])])


def suspects(results: Results) -> Iterator[tuple[str, str]]:
    """Yield the id of each sample to look at and why; none twice."""
    entry, names = results.rounds[-1], results.meta.class_names
    broken = alike.broken(results)
    for row, reason in broken.items():
        yield results.sample_ids[row], reason
    as_label = [row for row in label_suspects(results).tolist() if row not in broken]
    for row in as_label:
        assert entry.votes is not None
        label, predicted = results.targets_N[row], entry.votes.predicted_class_N[row]
        quality = entry.votes.label_probability_N[row]
        yield (
            results.sample_ids[row],
            f"likely label error: labelled {names[label]} and predicted {names[predicted]} "
            f"(label quality {quality:.3f})",
        )
    for row in outliers(results, entry).tolist():
        if row not in {*as_label, *broken}:
            reason = f"outlier: score {entry.score_N[row]:.4g} in the round to {entry.target}"
            yield results.sample_ids[row], reason


def save_suspects(path: Path, results: Results) -> None:
    """Write a list of the samples to look at."""
    artifacts.save_table(path, HEADER, suspects(results))
