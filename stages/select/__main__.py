"""Propose the round's new subset by the scores, or one for each entrant of a race."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from stages.select.competing import competing, in_order
from stages.select.proposals import held_out, random_subsets
from stages.select.rules import Candidates
from stages.shared import artifacts
from stages.shared.artifacts import Array, Floats, Ints, Subset
from stages.shared.artifacts.duplicate_groups import load_train_groups
from stages.shared.artifacts.files import atomic_folder
from stages.shared.choosing import sampling
from stages.shared.choosing.absent_classes import warn_of_absent_classes
from stages.shared.choosing.demands import check_demands
from stages.shared.choosing.limits import Limits, load_limits, require_minimum
from stages.shared.running import command
from stages.shared.samples.randomness import uniform_by_id
from stages.shared.settings.params import Params, load_params
from stages.shared.settings.sections import Select
from stages.shared.sizes import Size, num_picks, parse_size


def main(  # noqa: PLR0913, PLR0917 - a round reads this much
    from_size: str,
    to_size: str,
    prepared: Path,
    signals: Path,
    dynamics: Path,
    scores: Path,
    subset: Path,
    near_duplicates: Path,
    proposals: Path,
    new_order: Path,
) -> None:
    """Propose the round's new subset by the scores; each entrant of a race has its own proposal."""
    params = load_params()
    sample_ids = artifacts.load_sample_ids(prepared, "train")
    limits = load_limits(prepared, sample_ids, params.select)
    check_demands(params, limits)
    chosen: list[Ints] = []
    with atomic_folder(proposals) as folder, atomic_folder(new_order) as orders:
        for draw in params.draws:
            old = artifacts.load_subset(
                subset / f"{draw.draw}.csv", len(sample_ids), once=params.picks_once
            )
            score_N = artifacts.load_scores(scores / f"{draw.draw}.npy", len(sample_ids))
            sizes = parse_size(from_size), parse_size(to_size)
            folders = prepared, signals / draw.draw, dynamics / draw.draw
            choosing = Choosing(
                draw, sizes, sample_ids, limits, old, score_N, near_duplicates, *folders
            )
            own, order_K = choosing.select(params.select)
            artifacts.save_order(orders / f"{draw.draw}.npy", order_K)
            if params.race.entrants:
                save_proposals(folder / draw.draw, choosing, own)
            else:
                artifacts.save_subset(folder / draw.draw / f"{params.select.rule}.csv", own)
                chosen.append(own.index_P)
    if params.rules.has_labels and chosen:
        names = artifacts.load_meta(prepared).class_names
        warn_of_absent_classes(chosen, limits.targets_N, names)


@dataclass(frozen=True)
class Choosing:
    """What one draw of a round chooses from."""

    params: Params
    sizes: tuple[Size, Size]
    sample_ids: Sequence[str]
    limits: Limits
    old: Subset
    score_N: Floats
    near_duplicates: Path
    prepared: Path
    signals: Path  # of this draw, as the dynamics
    dynamics: Path

    @property
    def number(self) -> int:
        """Of the round, from 1."""
        return self.params.round_number(str(self.sizes[1]))

    @property
    def grows(self) -> bool:
        """Whether the round keeps the subset and appends to it."""
        from_size, to_size = self.sizes
        return to_size > from_size

    @property
    def kept(self) -> Subset:
        """What the new subset holds already."""
        return self.old if self.grows else self.old.first(0)

    @property
    def num_picks(self) -> int:
        """Of the new subset."""
        return num_picks(self.sizes[1], len(self.sample_ids))

    def without(self, held_out: Ints) -> "Choosing":
        """Return the same where these rows are no candidates."""
        return replace(self, limits=replace(self.limits, held_out=held_out))

    def select(self, settings: Select) -> tuple[Subset, Ints]:
        """Return the new subset by these settings, and its candidates as the rule prefers them."""
        params, kept, number, score_N = self.params, self.kept, self.number, self.score_N
        limits = replace(self.limits, min_per_class=settings.min_per_class)
        count = self.num_picks - len(kept)
        setting = f"the round to {self.sizes[1]}"
        ids, row_K = self.sample_ids, competing(self.old, self.grows, limits, settings)
        candidates = Candidates(
            row_K=row_K,
            kept_P=kept.index_P,
            count=count,
            length=count,
            score_N=score_N,
            target_N=limits.targets_N,
            tie_N=uniform_by_id(ids, params.first_seed, "ties", number),
            random_N=lambda purpose: uniform_by_id(ids, params.random_seed, purpose, number),
            features_ND=lambda: artifacts.load_signal(self.signals, "features_ND", len(ids)),
            label_probability_N=lambda: _label_probability(
                self.signals, self.dynamics, row_K, len(ids)
            ),
            recall_C=lambda: _recall(self.prepared, self.signals, limits.num_classes),
            settings=settings,
        )
        order_K = in_order(candidates, self.signals, limits, settings, self._groups(settings))
        picks = sampling.draw(
            order_K,
            count,
            limits,
            balanced=settings.balanced,
            setting=setting,
            taken_P=kept.index_P,
        )
        new = _append(kept, picks, number, score_N)
        require_minimum(new.index_P, limits, setting)
        return new, order_K

    def _groups(self, settings: Select) -> Ints | None:
        """Return the group of near duplicates of each sample, of which one is to be picked."""
        if settings.near_duplicates == "all":
            return None
        return load_train_groups(self.near_duplicates, len(self.sample_ids))


def save_proposals(folder: Path, choosing: Choosing, own: Subset) -> None:
    """Write what each entrant proposes, and the random subsets beside it; `own` is `select`'s.

    With `race.holdout` some samples are held out to judge by: `judged/` then has what each entrant
    proposes without them, and the random subsets have none of them.
    """
    params = choosing.params
    for name, settings in params.entrants.items():
        new = own if settings == params.select else choosing.select(settings)[0]
        artifacts.save_subset(folder / f"{name}.csv", new)
    limits = choosing.limits
    if params.race.holdout > 0:
        kept_P = choosing.kept.index_P
        ids = choosing.sample_ids
        group_N = np.arange(len(ids))
        if artifacts.has_groups(choosing.prepared, "train"):
            group_N = artifacts.load_groups(choosing.prepared, "train", len(ids))
        rows = held_out(params, ids, group_N, limits, kept_P, choosing.number)
        judged = choosing.without(rows)
        limits = judged.limits
        artifacts.save_order(folder / "held_out.npy", rows)
        for name, settings in params.entrants.items():
            artifacts.save_subset(folder / f"judged/{name}.csv", judged.select(settings)[0])
    found = random_subsets(params, choosing.sample_ids, limits, choosing.num_picks, choosing.number)
    for place, random in enumerate(found):
        artifacts.save_subset(folder / f"random-{place}.csv", random)


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
