"""Score every train sample with the acquisition function of the round."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from stages.score import correlations
from stages.score.acquisition import ACQUISITIONS, score
from stages.score.lazy_signals import LazySignals, from_pool, from_training, load_voter_entropies
from stages.score.reference import load_reference
from stages.shared import artifacts
from stages.shared.artifacts import Correlations, Floats, Ints
from stages.shared.artifacts.files import atomic_folder
from stages.shared.running import command
from stages.shared.samples.randomness import permutation_by_id, uniform_by_id
from stages.shared.settings.menu import NEED_DYNAMICS
from stages.shared.settings.params import Params, load_params

MOST_CORRELATED = 100_000  # samples; the standard error of a correlation is then 0.003 at most


def main(
    size: str, prepared: Path, signals: Path, dynamics: Path, scores: Path, correlated: Path
) -> None:
    """Score every train sample for the round that chooses the subset of this size."""
    params = load_params()
    sample_ids = artifacts.load_sample_ids(prepared, "train")
    with atomic_folder(scores) as score_folder, atomic_folder(correlated) as folder:
        for draw in params.draws:
            score_N, found = _score(
                draw, size, sample_ids, prepared, signals / draw.draw, dynamics / draw.draw
            )
            artifacts.save_scores(score_folder / f"{draw.draw}.npy", score_N)
            artifacts.save_correlations(folder / draw.draw, found)


def _score(
    params: Params,
    size: str,
    sample_ids: Sequence[str],
    prepared: Path,
    signals: Path,
    dynamics: Path,
) -> tuple[Floats, Correlations]:
    """Return one draw's scores, and how alike samples are ordered."""
    num_train, number = len(sample_ids), params.round_number(size)
    by_name = LazySignals(
        {
            **from_pool(signals, num_train),
            **from_training(dynamics, num_train),
            "targets_N": partial(artifacts.load_targets, prepared, "train"),
            "random_N": partial(
                uniform_by_id, sample_ids, params.random_seed, "acquisition", number
            ),
        }
    )
    name = params.acquisition_of(size)
    score_N = score(name, by_name, params.score.reduction)

    shown = artifacts.load_dynamics(dynamics, num_train)
    entropies = load_voter_entropies(signals)
    names = correlations.comparable(
        params.rules.acquisitions or ACQUISITIONS,
        len(entropies.voters),
        params.predict_pool.signals,
        all_trained_on=len(shown.row_R) == num_train,
    )
    compared = by_name.of(_compared_rows(sample_ids, params.random_seed))
    reference_N = load_reference(Path(params.score.reference), sample_ids)
    meant_N = _only(score_N, shown.row_R) if name in NEED_DYNAMICS else score_N

    found = Correlations(
        acquisitions=correlations.of_acquisitions(
            {other: score(other, compared, params.score.reduction) for other in names}
        ),
        voters=correlations.of_voters(entropies),
        reference=correlations.with_reference(entropies, meant_N, reference_N),
        forgetting=correlations.forgetting_with_reference(shown, reference_N),
    )
    return score_N, found


def _compared_rows(sample_ids: Sequence[str], random_seed: int) -> Ints:
    if len(sample_ids) <= MOST_CORRELATED:
        return np.arange(len(sample_ids))
    order_N = permutation_by_id(sample_ids, random_seed, "compared samples")
    return np.sort(order_N[:MOST_CORRELATED])


def _only(score_N: Floats, rows_R: Ints) -> Floats:
    """Return the scores of these samples, NaN for the others."""
    only_N = np.full_like(score_N, np.nan)
    only_N[rows_R] = score_N[rows_R]
    return only_N


if __name__ == "__main__":
    command.run(main)
