"""What to do after a run: at most three commands, why, and how long they take if it tells."""

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import stdtrit

from stages.report.formulas.statistics import CONFIDENCE, WORSE
from stages.report.numbers.conclusions import Against, Conclusion
from stages.report.numbers.how_much_data import learning_curves
from stages.report.run.results import Results
from stages.report.samples.alike import leaking
from stages.report.samples.beliefs import judge_labels, right_on_validation
from stages.report.samples.suspected import OUTLIER, suspects
from stages.report.words.headline import GOOD_ENOUGH, everything_as_briefly, random_will_do
from stages.report.words.size_wording import next_command
from stages.shared.running.timings import StageTiming
from stages.shared.running.whole_run import in_time
from stages.shared.settings.params import Params
from stages.shared.settings.training_sections import EpochLength

# What steps are for: the page refers to them by these names.
SUSPECTS, SPLITS, DRAWS, LONGER, EVERYTHING, SIZES, EXPORT, AGAIN = (
    "suspects",
    "splits",
    "draws",
    "longer",
    "everything",
    "sizes",
    "export",
    "again",
)
ENOUGH_DRAWS = 3  # for an interval that speaks of other draws too
MOST_DRAWS = 100  # that anybody would run
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
    # What holds for one target model need not hold for the next: those that are not good count.
    counted = [one for one in found if not is_good(one)] or sorted(found, key=random_will_do)
    steps = [next_step(draws[0].params, one, larger) for one in counted]
    step = next((step for step in steps if step), None)
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
        right = f"{100 * right_on_validation(draws):.0f} % of validation"
        judged = f" (the models are right on {right})" if judge_labels(draws) else ""
        yield Step(
            SUSPECTS,
            f"python -m commands.suspects plots/suspects.csv {shlex.quote(exclude)}",
            f"leaves out {samples} of plots/suspects.csv: look first{judged}, and delete there "
            "what is right or corrected",
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


def next_step(params: Params, found: Conclusion, larger: str | None) -> Step | None:
    """Return what tells most next, or what to do with the subset where enough is known.

    None where no command helps: all data are better, or training less on them is, or only more
    test samples would tell.

    Args:
        params: of the run.
        found: of a target model.
        larger: the experiment that tells most of how much data is needed; None: there is none.
    """
    full = found.against.get("full")
    if found.guessing or (found.rising and not is_good(found)):
        return OTHER_CLASSES if found.is_of_one_class else _longer(params)
    if full is None:
        return _compared_with_everything(params)
    if found.num_draws < ENOUGH_DRAWS:
        return _more_draws(found.num_draws, ENOUGH_DRAWS)
    if is_good(found):
        return None if everything_as_briefly(found) else _exported(found)
    enough = None if full.word == WORSE else draws_that_tell(found, full)
    if enough is None:
        return _sizes(params, larger) if larger else None
    return _more_draws(found.num_draws, 2 * found.num_draws, enough)


def is_good(found: Conclusion) -> bool:
    """Whether the subset is shown to be as good as everything."""
    full = found.against.get("full")
    return full is not None and full.word in GOOD_ENOUGH


def draws_that_tell(found: Conclusion, full: Against) -> int | None:
    """Return how many draws would settle a comparison if its difference stayed as it is.

    Its interval then would have to end at the margin, or at 0 where it looks worse by more. But for
    what is of the samples, half of it falls as Student's t by the root of their number. None: more
    than anybody would run, or none at all.
    """
    room = full.value + found.margin if full.value > -found.margin else -full.value
    num = np.arange(found.num_draws, max(MOST_DRAWS, found.num_draws) + 1)
    falls = stdtrit(num - 1, 0.5 + CONFIDENCE / 2) / np.sqrt(num)
    left = full.of_samples + (1 - full.of_samples) * (falls / falls[0]) ** 2
    tells = full.reach * np.sqrt(left) <= room
    return int(num[tells][0]) if tells.any() else None


def _compared_with_everything(params: Params) -> Step:
    subsets = params.compare.subsets
    lacking = [name for name in ("random", "full") if name not in subsets]
    command = f"dvc exp run -S 'compare.subsets=[{', '.join([*subsets, *lacking])}]'"
    takes = _of_sizes(params, command)
    return Step(EVERYTHING, command, "compares with everything", takes, _anew(takes))


def _exported(found: Conclusion) -> Step:
    """Take the subset elsewhere, or the random one where that will do."""
    command, name = "python -m commands.export csv subset.csv", "subset"
    # Where the race took random ones, the subset is one itself, and the one that is known to do.
    if random_will_do(found) and "random" in found.against and found.num_random < found.num_draws:
        command, name = f"{command} --subset random", "random subset"
    return Step(EXPORT, command, f"writes the {name} as a list", is_search=False)


def _sizes(params: Params, larger: str) -> Step:
    takes = _of_sizes(params, larger)
    return Step(SIZES, larger, "compares more sizes", takes, _anew(takes))


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


def _more_draws(num: int, wanted: int, enough: int = 0) -> Step:
    num_more = wanted - num
    new = dict.fromkeys(TRAINING, num_more / num)
    why = " for narrower intervals"
    if enough > wanted:
        why = f"; some {float(f'{enough:.2g}'):g} would tell if the difference stays"
    return Step(
        DRAWS,
        f"dvc exp run -S random_seeds={wanted}",
        f"{num_more} more draw{'' if num_more == 1 else 's'}{why}",
        new | dict.fromkeys(SHARED, wanted / num),
        dict.fromkeys(_ALL, wanted / num),
    )


def _of_sizes(params: Params, command: str) -> dict[str, float]:
    """Return what more compared subsets take; nothing is known of another round."""
    _, _, listed = command.partition("compare.subsets=[")
    more = len(listed.partition("]")[0].split(",")) - len(params.compare.subsets)
    share = more / len(params.compare.subsets)
    return {"train_subset_model": share, "evaluate": share, "report": 1} if listed else {}


def _anew(takes: Mapping[str, float]) -> dict[str, float]:
    return {kind: 1 + takes.get(kind, 0) for kind in ("train_subset_model", "evaluate")}


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
