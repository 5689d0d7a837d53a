"""What to do after a run: at most three commands, why, and how long they take if it tells."""

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stages.report.alike import leaking
from stages.report.conclusions import Conclusion
from stages.report.headline import GOOD_ENOUGH, random_will_do
from stages.report.how_much_data import learning_curves
from stages.report.results import Results
from stages.report.size_wording import next_command
from stages.report.statistics import CANNOT_TELL, SAMPLES
from stages.report.suspected import OUTLIER, suspects
from stages.shared.running.timings import StageTiming
from stages.shared.running.whole_run import in_time
from stages.shared.settings.params import Params
from stages.shared.settings.training_sections import EpochLength

# What steps are for: the page refers to them by these names.
SUSPECTS, SPLITS, DRAWS, LONGER, SIZES, EXPORT, AGAIN = (
    "suspects",
    "splits",
    "draws",
    "longer",
    "sizes",
    "export",
    "again",
)
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
_ALL = dict.fromkeys((*SHARED, *TRAINING, "evaluate_ensemble"), 1.0)


@dataclass(frozen=True)
class Step:
    """A command to copy."""

    name: str
    command: str
    why: str
    # By the kind of stage: how many times what it took here. What is not named takes no time.
    takes: Mapping[str, float] = field(default_factory=dict)
    # The same where the data has changed: what is not named takes as long as here.
    anew: Mapping[str, float] = field(default_factory=dict)
    is_search: bool = True  # it runs stages


OTHER_CLASSES = Step(AGAIN, "dvc repro", "once the test split holds samples of another class", _ALL)


def of_run(draws: Sequence[Results], found: Sequence[Conclusion]) -> list[Step]:
    """Return the steps after a run: what is wrong with the data is put right first.

    Models that guess say nothing of labels: they have to learn first.
    """
    larger = next_command(draws, learning_curves(draws))
    step = next_step(draws[0].params, found[0], larger) if found else None
    cleaning = [] if found and found[0].guessing else [*_cleaning(draws)]
    if not cleaning:
        return [step] if step else []
    return [*cleaning, _after_cleaning(step)]


def _cleaning(draws: Sequence[Results]) -> Iterator[Step]:
    """Yield what puts the data right, of which no stage is run."""
    exclude = draws[0].params.select.exclude
    found = [*suspects(draws)]
    # Outliers alone are skipped already, and leaving them out would only make others the highest.
    if num := len(found) * any(not reason.startswith(OUTLIER) for _, reason in found):
        samples = "the sample" if num == 1 else f"the {num:,} samples"
        yield Step(
            SUSPECTS,
            f"python -m commands.suspects plots/suspects.csv {shlex.quote(exclude)}",
            f"leaves out {samples} of plots/suspects.csv: look first, and delete there what is "
            "right or corrected",
            is_search=False,
        )
    if num := len(leaking(draws[0])):
        samples = "1 train sample" if num == 1 else f"{num:,} train samples"
        yield Step(
            SPLITS,
            "python -m commands.near_duplicates --leave-out",
            f"leaves out {samples} that validation or test holds too, or nearly",
            is_search=False,
        )


def _after_cleaning(step: Step | None) -> Step:
    """Return the step on the data that was put right, for which all stages run again."""
    if step is None:
        return Step(AGAIN, "dvc repro", "searches again in what is left", _ALL)
    if step.name == EXPORT:
        why = f"searches again in what is left; if all of it is right: {step.command}"
        return Step(AGAIN, "dvc repro", why, _ALL)
    return replace(step, takes={**_ALL, **step.anew})


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
        command = "python -m commands.export csv subset.csv --subset random"
        return Step(EXPORT, command, "writes the random subset as a list", is_search=False)
    if is_good:
        command = "python -m commands.export csv subset.csv"
        return Step(EXPORT, command, "writes the subset as a list", is_search=False)
    is_open = full is None or full.word == CANNOT_TELL
    hardly_helps = full is not None and full.source == SAMPLES
    if larger and (hardly_helps or not is_open):
        takes = _of_sizes(params, larger)
        anew = {kind: 1 + takes.get(kind, 0) for kind in ("train_subset_model", "evaluate")}
        return Step(SIZES, larger, "compares more sizes", takes, anew)
    return _more_draws(found.num_draws, 2 * found.num_draws)


def _longer(params: Params) -> Step:
    """Train the targets twice as long."""
    trained, race = params.train_subset_model, params.race
    unit, now = (
        ("epochs", trained.length.epochs)
        if isinstance(trained.length, EpochLength)
        else ("updates", trained.length.updates)
    )
    longer = {f"length.{unit}": 2 * now}
    if trained.stop_after:
        stop = {"stop_after": 2 * trained.stop_after}
        longer = stop if stop["stop_after"] <= now else stop | longer
    changes = [f"-S train_subset_model.{key}={value}" for key, value in longer.items()]
    if race.entrants and race.length is None and race.recipe == "train_subset_model":
        # Judges train as targets do: this keeps theirs, so that nobody is judged anew.
        changes.append(f"-S 'race.length={{{unit}: {now}}}'")
    return Step(
        LONGER,
        " ".join(["dvc exp run", *changes]),
        "trains the targets twice as long",
        {"train_subset_model": 2, "evaluate": 1, "report": 1},
        {"train_subset_model": 2},
    )


def _more_draws(num: int, wanted: int) -> Step:
    num_more = wanted - num
    new = dict.fromkeys(TRAINING, num_more / num)
    return Step(
        DRAWS,
        f"dvc exp run -S random_seeds={wanted}",
        f"{num_more} more draw{'' if num_more == 1 else 's'} for narrower intervals",
        new | dict.fromkeys(SHARED, wanted / num),
        dict.fromkeys(_ALL, wanted / num),
    )


def _of_sizes(params: Params, command: str) -> dict[str, float]:
    """Return what more compared subsets take; nothing is known of another round."""
    _, _, listed = command.partition("compare.subsets=[")
    more = len(listed.partition("]")[0].split(",")) - len(params.compare.subsets)
    share = more / len(params.compare.subsets)
    return {"train_subset_model": share, "evaluate": share, "report": 1} if listed else {}


def in_line(step: Step, stages: Mapping[str, StageTiming] | None = None) -> str:
    """Return the step as a line for a shell, with its time where the stages of this run tell."""
    return f"{step.command}  # {step.why}{in_seconds(step, stages)}"


def in_seconds(step: Step, stages: Mapping[str, StageTiming] | None = None) -> str:
    """Return how long a step takes, after a comma; nothing where that is not known."""
    if not stages:
        return ""
    if not step.is_search:
        return ", a few seconds"
    seconds = _seconds(step, stages)
    return "" if math.isnan(seconds) else f", about {in_time(seconds)}"


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
