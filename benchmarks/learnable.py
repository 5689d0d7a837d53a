"""The hardest samples that a judge can learn: an entrant without a cut to be tuned.

A judge trains on a random subset of the budget, as a target does; what it gets wrong in train is
taken for what cannot be learnt from so few samples in so few updates (or has a wrong label), and
left out. Of the rest the hardest are proposed, and of what is left out those it was nearest to
only where the rest is too small.

Shapes: N train samples, P picks.
"""

from pathlib import Path

import numpy as np

from benchmarks.race_design import LEARNABLE
from stages.shared import artifacts, tasks
from stages.shared.artifacts import Array, Ensemble, Floats, Ints
from stages.shared.choosing.sampling import unscored
from stages.shared.members import finished_members, members
from stages.shared.prediction import forward_passes
from stages.shared.prediction.forward_passes import Voters
from stages.shared.samples.randomness import permutation_by_id
from stages.shared.settings.params import Params
from stages.shared.sizes import num_picks, parse_size
from stages.shared.training.job import ALONE


def propose(params: Params, data: Path, before: str, after: str) -> None:
    """Write each draw's proposal, and the one for judging, in place of those of `select`."""
    prepared = data / "prepared"
    ids = artifacts.load_sample_ids(prepared, "train")
    count = num_picks(parse_size(after), len(ids))
    for draw in params.draws:
        folder = data / "proposals" / after / draw.draw
        score_N = artifacts.load_scores(data / f"scores/{before}/{draw.draw}.npy", len(ids))
        held_out = folder / "held_out.npy"
        held_H = (
            artifacts.load_order(held_out, len(ids)) if held_out.exists() else np.empty(0, np.int64)
        )
        order_N = permutation_by_id(ids, draw.random_seed, "learnable")
        random_P = order_N[~np.isin(order_N, held_H)][:count]
        is_right_N = _right(draw, prepared, random_P)
        everything = np.arange(len(ids))
        _save(folder / f"{LEARNABLE}.csv", hardest(score_N, is_right_N, everything, count))
        if held_out.exists():
            rows = np.setdiff1d(everything, held_H)
            _save(folder / f"judged/{LEARNABLE}.csv", hardest(score_N, is_right_N, rows, count))


def hardest(score_N: Floats, is_right_N: Array, rows: Ints, count: int) -> Ints:
    """Return the highest-scored of these rows, those that were got right first, int64 [P].

    Of those that were not, the lowest-scored come first.
    """
    right, wrong = rows[is_right_N[rows]], rows[~is_right_N[rows]]
    best_first = right[np.argsort(-score_N[right], kind="stable")]
    easy_first = wrong[np.argsort(score_N[wrong], kind="stable")]
    return np.concatenate([best_first, easy_first])[:count]


def _right(params: Params, prepared: Path, index_P: Ints) -> Array:
    """Return whether a judge that trains on these gets each train sample right, bool [N]."""
    meta, settings = artifacts.load_meta(prepared), params.judging
    plan = members.Plan(
        params=params,
        model=params.race.judge,
        settings=settings,
        learning_rate=settings.optimizer.learning_rate,
        prepared=prepared,
        meta=meta,
        subset=unscored(index_P),
        initial_weights=None,
        track="none",
        parallel=ALONE,
    )
    (folder,) = members.train_jobs([members.job_of(plan, 0)])
    trained = finished_members.load_member(folder, "none", meta.num_samples["train"])
    last = trained.checkpoints[-1]
    voters = Voters(
        Ensemble(params.race.judge, meta.num_classes, meta.input_shape, [last]),
        [folder / last.path],
    )
    rows = np.arange(meta.num_samples["train"])
    parts = forward_passes.batches(len(rows), params.evaluate.batch_size)
    batches = [rows[part] for part in parts]
    passes = forward_passes.passes_of_batches(voters, prepared, "train", batches, "fp32")
    made = forward_passes.predict(tasks.load(meta.task), passes, params.evaluate.views)
    predicted_N = np.concatenate([probs.argmax(dim=2)[0].cpu().numpy() for _, probs in made])
    return np.asarray(predicted_N == artifacts.load_targets(prepared, "train"))


def _save(path: Path, index_P: Ints) -> None:
    artifacts.save_subset(path, unscored(index_P))
