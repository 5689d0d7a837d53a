"""Samples to look at: likely label errors, and outliers that the last round skipped.

    python -m stages.report.suspects                        print them: sample_id,reason
    python -m stages.report.suspects lists/exclude.csv      add them to a list

No subset holds what `select.exclude` names, once `dvc repro` has run again. Look at them first
(plots/report.html shows them): the ensemble is wrong too, and rare samples look like errors. What
is on the list already stays there; samples of `select.include` are not added.

A label is a likely error where every voter of the last round's ensemble votes for another class,
and the mean probability of the class that wins is at least what samples of that class have in the
mean: the threshold of confident learning (Northcutt et al. 2021, arXiv 1911.00068), over the train
split. They are ordered by the mean probability of the given label, which is cleanlab's label
quality `self_confidence`.

Shapes: N train samples, S suspects, C classes, M voters.
"""

import csv
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML

from stages.report.ranking import ranked_candidates
from stages.report.results import Folders, Results, Round, Votes, load_results
from stages.shared import artifacts, command
from stages.shared.artifacts import Ints
from stages.shared.outliers import all_different, num_highest
from stages.shared.params import load_params
from stages.shared.params_sections import OutlierFraction

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
    as_label = label_suspects(results).tolist()
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


# --- the command ---------------------------------------------------------------------------------


def folders(pipeline: Path = Path("dvc.yaml")) -> Folders:
    """Return where the report reads: paths stand in dvc.yaml alone."""
    content = YAML(typ="safe", pure=True).load(pipeline.read_text(encoding="utf-8"))
    arguments = content["stages"]["report"]["cmd"].split()[3:]
    return Folders(*map(Path, arguments[: len(Folders.__annotations__)]))


def write(path: Path, found: Sequence[tuple[str, str]]) -> int:
    """Add samples to a list that may exist; return how many were new.

    Raises:
        ArtifactError: the file is another table.
    """
    rows = artifacts.load_table(path, HEADER) if path.exists() else []
    listed = {row[0] for row in rows}
    new = [entry for entry in found if entry[0] not in listed]
    artifacts.save_table(path, HEADER, [*rows, *new])
    return len(new)


def run(path: Path | None) -> None:
    """Print the suspects, or add them to a list."""
    params = load_params()
    included = set(artifacts.load_sample_list(Path(params.select.include), HEADER))
    found = [
        entry for entry in suspects(load_results(params, folders())) if entry[0] not in included
    ]
    if path is None:
        sys.stdout.reconfigure(errors="surrogateescape")  # type: ignore[union-attr] # a text file
        csv.writer(sys.stdout, lineterminator="\n").writerows([HEADER, *found])
        return
    added = write(path, found)
    sys.stdout.write(f"{path}: {added} samples added, {len(found) - added} were there\n")


def main() -> None:
    """Run the command line; an error of the user's ends it with code 1 and one line."""
    parser = ArgumentParser(
        prog="python -m stages.report.suspects",
        description=__doc__,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "list", nargs="?", type=Path, metavar="FILE", help="a list to add them to, with its reasons"
    )
    path = parser.parse_args().list
    with command.one_line_errors():
        run(path)


if __name__ == "__main__":
    main()
