"""What each round of the search showed.

Shapes: N train samples, V validation samples, M voters or members.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stages.report.formulas.rounding import known_points, percent, points
from stages.report.formulas.statistics import Measured, agreement, paired_difference
from stages.report.run.results import Results, Round, over_draws
from stages.shared.artifacts import Rows, Voter


def rounds(draws: Sequence[Results]) -> Rows:
    """Return how well each round's ensemble does (Chitta et al. 2020, Table II), in points.

    Mean over the draws. `ensemble`: by the mean probability; `voter`: a single one, in the mean.
    `gain`: what a voter is better on validation than in the round before, paired by random seed
    and sample; `gain_plus_minus`: half of its 95 % interval.
    """
    rows: Rows = []
    before: Measured | None = None
    for entries in zip(*(results.rounds for results in draws), strict=True):
        entry = entries[0]
        measured = _on_validation(draws, entries)
        gain = paired_difference(measured, before) if measured and before else None
        rows.append(
            {
                "from": entry.source,
                "to": entry.target,
                "acquisition": entry.acquisition,
                "voters": len(entry.voters),
                **_mean_accuracies(draws, entries),
                "gain": points(gain.value) if gain else None,
                "gain_plus_minus": known_points(gain.plus_minus) if gain else None,
            }
        )
        before = measured
    return rows


def ensembles(draws: Sequence[Results]) -> Rows:
    """Return what each kept checkpoint reaches by itself, in points (SVP, Fig. 4 to 6).

    Of the ensembles that evaluate.ensembles names. `test` is `report.metric`, `validation` what
    training validates by. No row unless one is named.
    """
    params = draws[0].params
    metrics = {"test": params.report.metric, "validation": params.rules.validation_metric}
    return [
        {
            "ensemble": size,
            "random_seed": draw.params.random_seed,
            "member": int(values["member"]),
            "epoch": int(values["epoch"]),
            **{name: points(100 * values[metric]) for name, metric in metrics.items()},
        }
        for draw in draws
        for size, evaluation in draw.ensembles.items()
        for values in evaluation.members
    ]


def consensus(results: Results, entry: Round) -> Rows:
    """Return on which percentage of the unselected samples voters agree (the paper's Fig. 4).

    By their number: the last checkpoints of the member that is best on validation, and the first
    members, each by its last checkpoint. `all`: all of them; `pairs`: the one that this number adds
    and its neighbour, so each consecutive pair has a row. Empty where there are not so many, or no
    unselected samples. No row without votes.
    """
    if entry.votes is None:
        return []
    columns = {
        "checkpoints": _checkpoints_of_best(entry.voters),
        "members": _last_of_each(entry.voters),
    }
    unselected_N = ~_is_picked(results, entry)
    # Two at least, so that the table is never without a row.
    most = max(2, *(len(chosen) for chosen in columns.values()))
    rows: Rows = []
    for count in range(2, most + 1):
        row: dict[str, object] = {"ensemble": entry.source, "voters": count}
        for kind, column in columns.items():
            # The last checkpoints, the first members; in both the one that is added comes last.
            chosen = (column[::-1] if kind == "checkpoints" else column)[:count]
            known = len(chosen) == count and bool(unselected_N.any())
            for name, which in (("all", chosen), ("pairs", chosen[-2:])):
                share = agreement(entry.votes.votes_MN[which][:, unselected_N]) if known else None
                row[f"{kind}_{name}"] = None if share is None else points(100 * share)
        rows.append(row)
    return rows


def _mean_accuracies(draws: Sequence[Results], entries: Sequence[Round]) -> dict[str, float | None]:
    found = [_accuracies(results, entry) for results, entry in zip(draws, entries, strict=True)]
    known = {
        name: [value for row in found if (value := row[name]) is not None] for name in found[0]
    }
    return {
        name: points(float(np.mean(values))) if values else None for name, values in known.items()
    }


def _accuracies(results: Results, entry: Round) -> dict[str, float | None]:
    on_validation: dict[str, float | None] = {
        "ensemble_validation": 100 * entry.validation.ensemble_accuracy,
        "voter_validation": 100 * float(np.mean(entry.validation.voter_accuracy)),
    }
    if entry.votes is None:
        return on_validation
    picked_N = _is_picked(results, entry)
    right_N = entry.votes.predicted_class_N == results.targets_N
    right_MN = entry.votes.votes_MN == results.targets_N
    return {
        "ensemble_validation": on_validation["ensemble_validation"],
        "ensemble_selected": percent(right_N[picked_N]),
        "ensemble_unselected": percent(right_N[~picked_N]),
        "voter_validation": on_validation["voter_validation"],
        "voter_selected": percent(right_MN[:, picked_N]),
        "voter_unselected": percent(right_MN[:, ~picked_N]),
    }


def _on_validation(draws: Sequence[Results], entries: Sequence[Round]) -> Measured | None:
    """Return what a voter reaches: in each draw, or by each member of a single one."""
    found = [
        _members_on_validation(results, entry)
        for results, entry in zip(draws, entries, strict=True)
    ]
    of_draws = [one for one in found if one]
    if not of_draws:
        return None
    return over_draws(of_draws)


def _members_on_validation(results: Results, entry: Round) -> Measured | None:
    """Return accuracy and correctness in points of each member, mean over its voters."""
    if entry.votes is None:
        return None
    right_MV = 100.0 * (entry.votes.validation_votes_MV == results.validation_targets_V)
    numbers = np.array([voter.member for voter in entry.voters])
    members = [right_MV[numbers == member].mean(axis=0) for member in np.unique(numbers)]
    members_MV = np.stack(members)
    return Measured(members_MV.mean(axis=1), members_MV)


def _checkpoints_of_best(voters: Sequence[Voter]) -> list[int]:
    """Return the rows of the votes by the member that is best in its last checkpoint, by epoch."""
    last = [voters[column] for column in _last_of_each(voters)]
    best = max(last, key=lambda voter: voter.validation_accuracy).member
    own = [voter for voter in voters if voter.member == best]
    return [voter.column for voter in sorted(own, key=lambda voter: voter.epoch)]


def _last_of_each(voters: Sequence[Voter]) -> list[int]:
    """Return the rows of the votes by each member's last checkpoint, by member."""
    last = {voter.member: voter for voter in sorted(voters, key=lambda voter: voter.epoch)}
    return [last[member].column for member in sorted(last)]


def _is_picked(results: Results, entry: Round) -> npt.NDArray[np.bool_]:
    picked_N = np.zeros(len(results.targets_N), dtype=bool)
    picked_N[results.subsets[entry.source].index_P] = True
    return picked_N
