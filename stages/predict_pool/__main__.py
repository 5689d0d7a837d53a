"""Predict every train sample with the ensemble."""

from pathlib import Path

import numpy as np

from stages.predict_pool import gradient_batches, voters
from stages.predict_pool.pool import Pool
from stages.shared import artifacts, models
from stages.shared.artifacts import Checkpoint, Ints, Meta, Voter
from stages.shared.artifacts.files import atomic_folder
from stages.shared.networks.determinism import deterministic
from stages.shared.prediction.cost import TRAINING_COST
from stages.shared.prediction.flops import forward_flops
from stages.shared.running import command, engine, progress
from stages.shared.samples.randomness import permutation_by_id
from stages.shared.settings.params import Params, load_params
from stages.shared.settings.sections import PredictPool

NUM_SAMPLED = 10_000  # enough for correlations between voters, however large the data set


def main(prepared: Path, embeddings: Path, ensemble: Path, signals: Path) -> None:
    """Predict every train sample with the ensemble and keep what the scores need."""
    params = load_params()
    prepared = models.data_of(params.task, params.train_ensemble.model, prepared, embeddings)
    meta = artifacts.load_meta(prepared)
    with atomic_folder(signals) as folder:
        for draw in progress.draws(params):
            _predict(draw, prepared, meta, ensemble / draw.draw, folder / draw.draw)


def _predict(params: Params, prepared: Path, meta: Meta, ensemble: Path, signals: Path) -> None:
    """Write one draw's signals."""
    described = artifacts.load_ensemble(ensemble)
    chosen = voters.choose(described, params.predict_pool.voters)
    wanted = params.train_ensemble.deterministic
    pool = Pool(prepared, meta, ensemble, chosen, params.predict_pool, wanted)

    num_passes = passes_per_voter(meta, params.predict_pool) * len(chosen)
    flops = forward_flops(described.model, meta) * num_passes

    signals.mkdir()
    pool.write_signals(signals, _sampled_rows(prepared, params.random_seed))
    if "gradient_norm" in params.predict_pool.signals:
        with deterministic(wanted, engine.device_name()):
            pool.write_gradient_batches(signals, _mini_batches(prepared, params))
    accuracies = pool.write_validation(signals, flops)
    artifacts.save_voters(signals, map(_voter, range(len(chosen)), chosen, accuracies))


def passes_per_voter(meta: Meta, settings: PredictPool) -> int:
    """Return what a voter costs, in forward passes of one image.

    A gradient that the forward pass alone does not give takes a forward and a backward pass more.
    The mini-batches of gradients are not counted: they are for people and choose nothing.
    """
    num_images = meta.num_samples["train"] + meta.num_samples["validation"]
    num_passes = len(settings.views) * num_images
    if "gradient_norm" in settings.signals and settings.gradient_norm.needs_backward:
        num_passes += TRAINING_COST * meta.num_samples["train"]
    return num_passes


def _voter(column: int, checkpoint: Checkpoint, accuracy: float) -> Voter:
    return Voter(column, checkpoint.member, checkpoint.epoch, accuracy)


def _sampled_rows(prepared: Path, random_seed: int) -> Ints:
    sample_ids = artifacts.load_sample_ids(prepared, "train")
    return np.sort(permutation_by_id(sample_ids, random_seed, "voter sample")[:NUM_SAMPLED])


def _mini_batches(prepared: Path, params: Params) -> list[Ints]:
    sample_ids = artifacts.load_sample_ids(prepared, "train")
    return gradient_batches.draw(sample_ids, params.train_ensemble.batch_size, params.random_seed)


if __name__ == "__main__":
    command.run(main)
