"""Choose the round's new subset by the scores."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stages.select.competing import competing, in_order
from stages.select.rules import Candidates
from stages.shared import artifacts
from stages.shared.artifacts import Array, Floats, Ints, Subset
from stages.shared.artifacts.files import atomic_folder
from stages.shared.choosing import sampling
from stages.shared.running import command
from stages.shared.samples.randomness import uniform_by_id
from stages.shared.settings.params import Params, load_params
from stages.shared.sizes import Size, num_picks, parse_size


def main(  # noqa: PLR0913, PLR0917 - a round reads this much
    from_size: str,
    to_size: str,
    prepared: Path,
    signals: Path,
    dynamics: Path,
    scores: Path,
    subset: Path,
    new_subset: Path,
    new_order: Path,
) -> None:
    """Choose the round's new subset by the scores."""
    params = load_params()
    sample_ids = artifacts.load_sample_ids(prepared, "train")
    limits = sampling.load_limits(prepared, sample_ids, params.select)
    chosen: list[Ints] = []
    with atomic_folder(new_subset) as subsets, atomic_folder(new_order) as orders:
        for draw in params.draws:
            old = artifacts.load_subset(
                subset / f"{draw.draw}.csv", len(sample_ids), once=params.picks_once
            )
            score_N = artifacts.load_scores(scores / f"{draw.draw}.npy", len(sample_ids))
            sizes = parse_size(from_size), parse_size(to_size)
            folders = prepared, signals / draw.draw, dynamics / draw.draw
            new, order_K = _select(draw, sizes, sample_ids, limits, old, score_N, folders)
            chosen.append(new.index_P)
            artifacts.save_subset(subsets / f"{draw.draw}.csv", new)
            artifacts.save_order(orders / f"{draw.draw}.npy", order_K)
    if params.rules.has_labels:
        names = artifacts.load_meta(prepared).class_names
        sampling.warn_of_absent_classes(chosen, limits, names)


def _select(  # noqa: PLR0913, PLR0917
    params: Params,
    sizes: tuple[Size, Size],
    sample_ids: Sequence[str],
    limits: sampling.Limits,
    old: Subset,
    score_N: Floats,
    folders: tuple[Path, Path, Path],
) -> tuple[Subset, Ints]:
    """Return one draw's new subset, and its candidates as the rule prefers them."""
    settings, (from_size, to_size), (prepared, signals, dynamics) = params.select, sizes, folders
    number = params.round_number(str(to_size))
    grows = to_size > from_size
    kept = old if grows else old.first(0)
    count = num_picks(to_size, len(sample_ids)) - len(kept)
    setting = f"the round to {to_size}"

    row_K = competing(old, grows, limits, settings)
    candidates = Candidates(
        row_K=row_K,
        kept_P=kept.index_P,
        count=count,
        length=count,
        score_N=score_N,
        target_N=limits.targets_N,
        tie_N=uniform_by_id(sample_ids, params.first_seed, "ties", number),
        random_N=lambda purpose: uniform_by_id(sample_ids, params.random_seed, purpose, number),
        features_ND=lambda: artifacts.load_signal(signals, "features_ND", len(sample_ids)),
        label_probability_N=lambda: _label_probability(signals, dynamics, row_K, len(sample_ids)),
        recall_C=lambda: _recall(prepared, signals, limits.num_classes),
        settings=settings,
    )
    order_K = in_order(candidates, signals, limits, settings)
    picks = sampling.draw(
        order_K,
        count,
        limits,
        balanced=settings.balanced,
        setting=setting,
        taken_P=kept.index_P,
    )
    new = _append(kept, picks, number, score_N)
    sampling.require_minimum(new.index_P, limits, setting)
    return new, order_K


def _label_probability(signals: Path, dynamics: Path, row_K: Ints, num_train: int) -> Array:
    """Return the probability of each sample's label, float32 [N]: its mean while it was learnt.

    Where the members did not train on every candidate, that by the ensemble afterwards.
    """
    shown = artifacts.load_dynamics(dynamics, num_train)
    if not np.isin(row_K, shown.row_R).all():
        return artifacts.load_signal(signals, "label_probability_N", num_train)
    mean_N = np.zeros(num_train, dtype=np.float32)
    mean_N[shown.row_R] = shown.label_probability_MR.mean(axis=0, dtype=np.float64)
    return mean_N


def _recall(prepared: Path, signals: Path, num_classes: int) -> Floats:
    """Return the ensemble's recall of each class on validation, float64 [C] in (0, 1).

    As if it had been right once and wrong once more (Laplace): few samples, or none, prove nothing.
    """
    target_V = artifacts.load_targets(prepared, "validation")
    predicted_V = artifacts.load_validation_signal(signals, "validation_predicted_V", len(target_V))
    size_C = np.bincount(target_V, minlength=num_classes)
    right_C = np.bincount(target_V[predicted_V == target_V], minlength=num_classes)
    return (right_C + 1) / (size_C + 2)


def _append(kept: Subset, picks: Ints, number: int, score_N: Floats) -> Subset:
    return Subset(
        np.concatenate([kept.index_P, picks]),
        np.concatenate([kept.round_P, np.full(len(picks), number)]),
        np.concatenate([kept.score_P, score_N[picks]]),
    )


if __name__ == "__main__":
    command.run(main)
