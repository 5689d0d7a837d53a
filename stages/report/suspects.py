"""Samples to look at: likely label errors, and outliers that the last round skipped.

    python -m stages.report.suspects plots/suspects.csv lists/exclude.csv

adds those that the report found to a list of samples to leave out, with the reason. No subset
holds them once `dvc repro` has run again. Look at them first (plots/report.html shows them) and
take out of plots/suspects.csv what is right: the ensemble errs too, and rare samples look like
errors. What is on the list stays there; samples of `select.include` are not added.

A label is a likely error where every voter of the last round's ensemble votes for another class,
and the mean probability of the class that wins is at least what samples of that class have in the
mean: the threshold of confident learning (Northcutt et al. 2021, arXiv 1911.00068), over the train
split. They are ordered by the mean probability of the given label, which is cleanlab's label
quality `self_confidence`.

Shapes: N train samples, S suspects, C classes, M voters.
"""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from stages.report.ranking import ranked_candidates
from stages.report.results import Results, Round, Votes
from stages.shared import artifacts
from stages.shared.artifacts import Ints
from stages.shared.choosing.outliers import all_different, num_highest
from stages.shared.running import command
from stages.shared.settings.params import load_params
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
    setting, ranked_K = results.params.select.outliers, ranked_candidates(results, entry)
    if isinstance(setting, OutlierFraction):
        row_S = ranked_K[: num_highest(setting.fraction, len(results.targets_N))]
    else:
        assert entry.votes is not None  # params.yaml is refused otherwise
        row_S = ranked_K[all_different(entry.votes.votes_MN[:, ranked_K])]
    subset = results.subsets[entry.target]
    return row_S[~np.isin(row_S, subset.index_P[subset.round_P == entry.number])]


def suspects(results: Results) -> Iterator[tuple[str, str]]:
    """Yield the id of each sample to look at and why; none twice."""
    entry, names = results.rounds[-1], results.meta.class_names
    as_label = dict.fromkeys(label_suspects(results).tolist())
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
        if row not in as_label:
            reason = f"outlier: score {entry.score_N[row]:.4g} in the round to {entry.target}"
            yield results.sample_ids[row], reason


def save_suspects(path: Path, results: Results) -> None:
    """Write a list of the samples to look at."""
    artifacts.save_table(path, HEADER, suspects(results))


# --- the command ---------------------------------------------------------------------------------


def add(found: Path, listed: Path, include: Path) -> int:
    """Add the samples of one list to another, which may not be there yet; return how many.

    Those that it has already or that the user includes are left out.

    Raises:
        ArtifactError: a file is another table.
    """
    rows = artifacts.load_table(listed, HEADER) if listed.exists() else []
    known = {row[0] for row in rows} | set(artifacts.load_sample_list(include, HEADER))
    new = [row for row in artifacts.load_table(found, HEADER) if row[0] not in known]
    artifacts.save_table(listed, HEADER, [*rows, *new])
    return len(new)


def main() -> None:
    """Run the command line; an error of the user's ends it with code 1 and one line."""
    parser = ArgumentParser(
        prog="python -m stages.report.suspects",
        description=__doc__,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("found", type=Path, metavar="FOUND", help="what the report wrote")
    parser.add_argument("list", type=Path, metavar="LIST", help="where to add it")
    arguments = parser.parse_args()
    with command.errors_in_one_line():
        include = Path(load_params().select.include)
        added = add(arguments.found, arguments.list, include)
        sys.stdout.write(f"{arguments.list}: {added} samples added\n")


if __name__ == "__main__":
    main()
