"""What the search and the trainings took. For terminals: no output of a stage holds seconds."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from stages.shared.running.timings import StageTiming

OF_A_ROUND = ("train_ensemble", "predict_pool", "score", "select", "race")
# All else is search: a stage of another name that chooses needs no line here.
NO_SEARCH = {
    "listing",
    "prepare",
    "near_duplicates",
    "weights",
    "seed_subset",
    "comparison_subsets",
    "train_subset_model",
    "evaluate",
    "evaluate_ensemble",
    "report",
}


@dataclass(frozen=True)
class Seconds:
    """What the stages of a run took, as if their trainings had come one after the other.

    NaN stands for what is not known, which is also what ran on another machine than most.
    """

    stages: Mapping[str, StageTiming]  # by the names that DVC gives them
    num_draws: int  # which they took together

    @property
    def machine(self) -> str | None:
        """The machine that most stages ran on; None where nothing is known."""
        machines = Counter(stage.machine for stage in self.stages.values())
        return max(machines, key=lambda name: machines[name], default=None)

    def selection(self, num_rounds: int) -> float:
        """Return what it took to choose a draw's subset in so many rounds.

        Stages that search and are of no round count too, whatever the number.
        """
        needed = [f"{stage}@round{number}" for number in range(num_rounds) for stage in OF_A_ROUND]
        others = [name for name in self.stages if _is_search(name, num_rounds)]
        # Exactly, since a set has no order.
        return math.fsum(self._cost(name) for name in {*needed, *others}) / self.num_draws

    def training(self, stage: str) -> float:
        """Return the mean over the trainings of a stage, of all draws."""
        return self.stages[stage].training if self._is_known(stage) else math.nan

    def _cost(self, stage: str) -> float:
        return self.stages[stage].cost if self._is_known(stage) else math.nan

    def _is_known(self, stage: str) -> bool:
        return stage in self.stages and self.stages[stage].machine == self.machine


def of_target(model: str, subset: str) -> str:
    """Return the name of the stage that trains a target model on a compared subset."""
    return f"train_subset_model@{model}-{subset}"


def of_ensemble(number: int) -> str:
    """Return the name of the stage that trains a round's ensemble; rounds count from 1."""
    return f"train_ensemble@round{number - 1}"


def known(seconds: float) -> float | None:
    """Return seconds, None where they are not known."""
    return None if math.isnan(seconds) else seconds


def in_words(seconds: float) -> str:
    """Return seconds with three digits at the most, such as 0.412 s, 12.3 s and 4,210 s."""
    digits = max(0, min(3, 2 - math.floor(math.log10(seconds)))) if seconds > 0 else 0
    return f"{seconds:,.{digits}f} s"


def _is_search(stage: str, num_rounds: int) -> bool:
    kind, _, item = stage.partition("@")
    number = re.fullmatch(r"round(\d+)", item)
    return kind not in NO_SEARCH and (number is None or int(number[1]) < num_rounds)
