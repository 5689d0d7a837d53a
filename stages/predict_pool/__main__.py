"""Predict every train sample with the ensemble."""

from pathlib import Path

import numpy as np

from stages.predict_pool import voters
from stages.predict_pool.pool import Pool
from stages.shared import artifacts, command
from stages.shared.artifacts import Checkpoint, Ints, Voter
from stages.shared.files import atomic_folder
from stages.shared.flops import forward_flops
from stages.shared.params import load_params
from stages.shared.randomness import permutation_by_id

NUM_SAMPLED = 10_000  # enough for correlations between voters, however large the data set


def main(prepared: Path, ensemble: Path, signals: Path) -> None:
    """Predict every train sample with the ensemble and keep what the scores need."""
    params = load_params()
    meta = artifacts.load_meta(prepared)
    described = artifacts.load_ensemble(ensemble)
    chosen = voters.choose(described, params.predict_pool.voters)
    pool = Pool(prepared, meta, ensemble, chosen, params.predict_pool)

    flops = forward_flops(described.model, meta) * len(chosen)
    flops *= meta.num_samples["train"] + meta.num_samples["validation"]

    with atomic_folder(signals) as folder:
        pool.write_signals(folder, _sampled_rows(prepared, params.random_seed))
        accuracies = pool.write_validation(folder, flops)
        artifacts.save_voters(folder, map(_voter, range(len(chosen)), chosen, accuracies))


def _voter(column: int, checkpoint: Checkpoint, accuracy: float) -> Voter:
    return Voter(column, checkpoint.member, checkpoint.epoch, accuracy)


def _sampled_rows(prepared: Path, random_seed: int) -> Ints:
    sample_ids = artifacts.load_sample_ids(prepared, "train")
    return np.sort(permutation_by_id(sample_ids, random_seed, "voter sample")[:NUM_SAMPLED])


if __name__ == "__main__":
    command.run(main)
