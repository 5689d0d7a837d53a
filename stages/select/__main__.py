"""Choose the round's new subset by the scores."""

from pathlib import Path

import numpy as np

from stages.select.candidates import competing, in_order
from stages.select.rules import Candidates
from stages.shared import artifacts
from stages.shared.artifacts import Floats, Ints, Subset
from stages.shared.choosing import sampling
from stages.shared.running import command
from stages.shared.samples.randomness import uniform_by_id
from stages.shared.settings.params import load_params
from stages.shared.sizes import num_picks, parse_size


def main(  # noqa: PLR0913, PLR0917 - a round reads this much
    from_size: str,
    to_size: str,
    prepared: Path,
    signals: Path,
    scores: Path,
    subset: Path,
    new_subset: Path,
    new_order: Path,
) -> None:
    """Choose the round's new subset by the scores."""
    params = load_params()
    settings = params.select
    sample_ids = artifacts.load_sample_ids(prepared, "train")
    limits = sampling.load_limits(prepared, sample_ids, settings)
    number = params.round_number(to_size)
    score_N = artifacts.load_scores(scores, len(sample_ids))
    old = artifacts.load_subset(subset, len(sample_ids), once=params.picks_once)
    grows = parse_size(to_size) > parse_size(from_size)
    kept = old if grows else old.first(0)
    count = num_picks(parse_size(to_size), len(sample_ids)) - len(kept)
    setting = f"the round to {to_size}"

    candidates = Candidates(
        row_K=competing(old, grows, limits, settings),
        kept_P=kept.index_P,
        count=count,
        length=count,
        score_N=score_N,
        tie_N=uniform_by_id(sample_ids, params.random_seed, "ties", number),
        race_N=lambda: uniform_by_id(sample_ids, params.random_seed, "proportional", number),
        features_ND=lambda: artifacts.load_signal(signals, "features_ND", len(sample_ids)),
        k_centers_start=settings.k_centers_start,
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
    artifacts.save_subset(new_subset, new)
    artifacts.save_order(new_order, order_K)
    if params.rules.has_labels:
        names = artifacts.load_meta(prepared).class_names
        sampling.warn_of_absent_classes(new.index_P, limits, names)


def _append(kept: Subset, picks: Ints, number: int, score_N: Floats) -> Subset:
    return Subset(
        np.concatenate([kept.index_P, picks]),
        np.concatenate([kept.round_P, np.full(len(picks), number)]),
        np.concatenate([kept.score_P, score_N[picks]]),
    )


if __name__ == "__main__":
    command.run(main)
