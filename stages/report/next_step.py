"""What to do after a run: one command, why, and how long it takes as far as this run tells."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stages.report.conclusions import Conclusion
from stages.report.headline import GOOD_ENOUGH, random_will_do
from stages.report.how_much_data import learning_curves
from stages.report.results import Results
from stages.report.size_wording import next_command
from stages.report.statistics import CANNOT_TELL, SAMPLES
from stages.shared.running.timings import StageTiming
from stages.shared.running.whole_run import in_time
from stages.shared.settings.params import Params
from stages.shared.settings.training_sections import EpochLength

ENOUGH_DRAWS = 3  # for an interval that speaks of other draws too
# Of every draw together, and made anew for all when there are more of them.
SHARED = (
    "predict_pool",
    "score",
    "select",
    "comparison_subsets",
    "seed_subset",
    "evaluate",
    "report",
)
TRAINING = ("train_ensemble", "race", "train_subset_model")  # what is finished is found


@dataclass(frozen=True)
class Step:
    """A command to copy."""

    command: str
    why: str
    # By the kind of stage: how many times what it took here. What is not named takes no time.
    takes: Mapping[str, float] = field(default_factory=dict)


OTHER_CLASSES = Step("dvc repro", "once the test split holds samples of another class")


def of_run(draws: Sequence[Results], found: Sequence[Conclusion]) -> Step | None:
    """Return the step after a run; None where the selected subset was not compared."""
    if not found:
        return None
    larger = next_command(draws, learning_curves(draws))
    return next_step(draws[0].params, found[0], larger)


def next_step(params: Params, found: Conclusion, larger: str | None) -> Step:
    """Return what tells most next, or what to do with the subset where enough is known.

    Args:
        params: of the run.
        found: of its first target model.
        larger: the experiment that tells most of how much data is needed; None: there is none.
    """
    full = found.against.get("full")
    if found.guessing or (found.rising and (full is None or full.word not in GOOD_ENOUGH)):
        return OTHER_CLASSES if found.is_of_one_class else _longer(params)
    if found.num_draws < ENOUGH_DRAWS:
        return _more_draws(found.num_draws, ENOUGH_DRAWS)
    is_good = full is not None and full.word in GOOD_ENOUGH
    if is_good and random_will_do(found) and "random" in found.against:
        return Step(
            "python -m commands.export csv subset.csv --subset random",
            "writes the random subset as a list",
        )
    if is_good:
        return Step("python -m commands.export csv subset.csv", "writes the subset as a list")
    is_open = full is None or full.word == CANNOT_TELL
    hardly_helps = full is not None and full.source == SAMPLES
    if larger and (hardly_helps or not is_open):
        return Step(larger, "compares more sizes", _of_sizes(params, larger))
    return _more_draws(found.num_draws, 2 * found.num_draws)


def _longer(params: Params) -> Step:
    """Train the targets twice as long."""
    trained = params.train_subset_model
    key, now = (
        ("length.epochs", trained.length.epochs)
        if isinstance(trained.length, EpochLength)
        else ("length.updates", trained.length.updates)
    )
    if trained.stop_after:
        key, now = "stop_after", trained.stop_after
    return Step(
        f"dvc exp run -S train_subset_model.{key}={2 * now}",
        "trains the targets twice as long",
        {"train_subset_model": 2, "evaluate": 1, "report": 1},
    )


def _more_draws(num: int, wanted: int) -> Step:
    num_more = wanted - num
    new = dict.fromkeys(TRAINING, num_more / num)
    return Step(
        f"dvc exp run -S random_seeds={wanted}",
        f"{num_more} more draw{'' if num_more == 1 else 's'} for narrower intervals",
        new | dict.fromkeys(SHARED, wanted / num),
    )


def _of_sizes(params: Params, command: str) -> dict[str, float]:
    """Return what more compared subsets take; nothing is known of another round."""
    _, _, listed = command.partition("compare.subsets=[")
    more = len(listed.partition("]")[0].split(",")) - len(params.compare.subsets)
    share = more / len(params.compare.subsets)
    return {"train_subset_model": share, "evaluate": share, "report": 1} if listed else {}


def in_line(step: Step, stages: Mapping[str, StageTiming] | None = None) -> str:
    """Return the step as a line for a shell, with its time where the stages of this run tell."""
    seconds = _seconds(step, stages) if stages else math.nan
    time = "" if math.isnan(seconds) else f", about {in_time(seconds)}"
    return f"{step.command}  # {step.why}{time}"


def _seconds(step: Step, stages: Mapping[str, StageTiming]) -> float:
    """Return what a step takes; NaN where a stage's seconds are of a part of its trainings."""
    known = {kind: _of_kind(kind, stages) for kind in step.takes}
    if not known or "rounds=" in step.command:
        return math.nan
    return math.fsum(step.takes[kind] * seconds for kind, seconds in known.items())


def _of_kind(kind: str, stages: Mapping[str, StageTiming]) -> float:
    found: Sequence[StageTiming] = [
        stage for name, stage in stages.items() if name.partition("@")[0] == kind
    ]
    if any(stage.members_found for stage in found):
        return math.nan
    return math.fsum(stage.seconds for stage in found)
