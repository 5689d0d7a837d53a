"""How a series of benchmarks/race_table.py is described, and who races in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

Entrants = Mapping[str, str]  # by name what differs from `select`, as YAML

FEW: Entrants = {
    "top": "{}",
    "window_10": "{rule: window, window: {start: 0.1}}",
    "window_30": "{rule: window, window: {start: 0.3}}",
    "cut_10": "{rule: stratified, stratified: {cut: 0.1}}",
    "cut_30": "{rule: stratified, stratified: {cut: 0.3}}",
    "half_random": "{rule: mixed, mixed: {random: 0.5, rule: top}}",
}
THREE: Entrants = {name: FEW[name] for name in ("top", "cut_10", "cut_30")}
LEARNABLE = "learnable"  # its proposal is written by benchmarks/learnable.py
MANY: Entrants = {
    **FEW,
    "beta": "{rule: beta}",
    "class_quotas": "{rule: class_quotas}",
    "moderate": "{rule: moderate}",
    "prototypes": "{rule: prototypes}",
    "herding": "{rule: uncertainty_herding}",
    LEARNABLE: "{rule: window, window: {start: 0.05}}",
}


@dataclass(frozen=True)
class Series:
    """A data set, how it is trained on, and how much of it is kept."""

    preset: str
    changes: Sequence[str]  # as dvc's -S
    budgets: Sequence[float]
    seeds: int
    first_seed: int = 0
    members: int = 1  # targets on each subset
    halved: bool = False  # images to half their edge, by the mean of 2 x 2 pixels
    wrong: float = 0.0  # share of the train labels that are wrong
    entrants: Entrants = field(default_factory=lambda: FEW)
    rounds: int = 0  # of growing, each to twice the size; 0: from everything at once
    every_round: bool = True  # races; else the last alone

    def sizes(self, budget: float) -> list[float]:
        """Return the sizes of the subsets, round by round."""
        halvings = range(self.rounds, -1, -1) if self.rounds else ()
        return [budget / 2**number for number in halvings] or [1.0, budget]


OF_ALL = [  # that do not say otherwise
    "acquisition=label_probability",
    "train_subset_model.validations=1",
    "race.judges=4",
    "race.holdout=0.0",
]
TWO_JUDGES = ["race.judges=2"]


def updates(number: int) -> Sequence[str]:
    """Return the length of a target as a change."""
    return [f"train_subset_model.length.updates={number}"]


def of(series: Series, changes: Sequence[str] = (), **fields: object) -> Series:
    """Return a series with further changes."""
    return replace(series, changes=[*series.changes, *changes], **fields)  # type: ignore[arg-type]
