"""The verdict as anybody understands it: what to do with the subset, and how sure that is.

Numbers have the digits that their 95 % intervals leave known; bounds are rounded away from what
they bound, so that a rounded bound holds too.
"""

from stages.report.formulas.rounding import MOST_POINTS, at_least, at_most, digits_of, with_interval
from stages.report.formulas.statistics import AS_GOOD_AS, BETTER, CANNOT_TELL, WORSE
from stages.report.numbers.conclusions import OTHERS, Against, Conclusion
from stages.shared.sizes import MATCHED

GOOD_ENOUGH = {BETTER, AS_GOOD_AS}


DECISIONS = {
    BETTER: "Train on the subset",
    AS_GOOD_AS: "Train on the subset",
    CANNOT_TELL: "Keep all data for now",
    WORSE: "Keep all data",
}


def decision(found: Conclusion) -> str:
    """Return what to do, in a few words."""
    full, random = found.against.get("full"), found.against.get("random")
    is_good = full is None or full.word in GOOD_ENOUGH
    if no_answer := _no_answer(found, is_good):
        return no_answer
    if is_good and everything_as_briefly(found):
        return "Train on everything, as briefly as on the subset"
    if is_good and random_will_do(found):
        return "Choosing does not pay: take a random subset"
    if full is not None:
        return DECISIONS[full.word]
    return "Better than chance" if random and random.word == BETTER else "Undecided"


def _no_answer(found: Conclusion, is_good: bool) -> str:
    """Say why there is none; nothing where there is one."""
    if found.is_of_one_class:
        return "No answer: the test split holds one class alone"
    if found.guessing:
        return "No answer yet: the models have hardly learnt"
    if found.rising and not is_good:
        return "No answer yet: the trainings were too short"
    return ""


def finding(found: Conclusion) -> str:
    """Return how the subset compares, without a full stop."""
    untold = [
        OTHERS[other] for other in found.against if found.guessing.keys() & {"selected", other}
    ]
    told = [
        _told(other, entry, found)
        for other, entry in found.against.items()
        if OTHERS[other] not in untold
    ]
    told += [f"cannot be compared yet with {listed(untold)}"] if untold else []
    subset = f"the subset of {size_in_words(found.picks, found.unit, found.fraction)}"
    return f"{subset}{_won(found)} {listed(told) or 'was compared with nothing'}"


def _won(found: Conclusion) -> str:
    """Say where the selected subset is a random one, since no strategy won the race against it."""
    if not found.num_random:
        return ""
    if found.num_random == found.num_draws:
        return ", which the race took at random since no strategy won,"
    return f", which the race took at random in {found.num_random} of {found.num_draws} draws,"


def listed(parts: list[str]) -> str:
    """Return words with commas between them, and the last after `and`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def size_in_words(picks: int, unit: str, fraction: float) -> str:
    """Say how many picks are which share of the train split."""
    return f"{picks:,} {unit} ({100 * fraction:.3g} %)"


def random_will_do(found: Conclusion) -> bool:
    """Whether a random subset is good too, and the subset not better by more than the margin.

    Where the race took a random one in every draw, the subset is one itself.
    """
    entry = found.against.get("random")
    if found.guessing or (entry and entry.word == BETTER and not _is_no_gain(entry, found.margin)):
        return False
    if found.num_random == found.num_draws:
        return True
    if entry is None or found.random_word not in {"", *GOOD_ENOUGH}:
        return False
    return _is_no_gain(entry, found.margin)


def everything_as_briefly(found: Conclusion) -> bool:
    """Whether everything is better that is trained for as many updates, without a search."""
    matched = found.against.get(MATCHED)
    return matched is not None and matched.word == WORSE


def _told(other: str, entry: Against, found: Conclusion) -> str:
    low, high, name = entry.value - entry.reach, entry.value + entry.reach, OTHERS[other]
    if entry.reach > MOST_POINTS:  # or there is none
        return f"cannot be told from {name} ({with_interval(entry.value, entry.reach)} points)"
    digits = digits_of(entry.reach)
    is_no_gain = _is_no_gain(entry, found.margin)
    if other == "random" and is_no_gain and -found.margin < low <= 0 <= high:
        return f"gains at most {at_most(high, digits)} points over {name}"
    if entry.word == BETTER:
        return f"is {at_least(low, digits)} to {at_most(high, digits)} points better than {name}"
    below = f"{at_most(-low, digits)} points {'worse than' if entry.word == WORSE else 'below'}"
    if low < 0 and high <= 0:
        return f"is {at_least(-high, digits)} to {below} {name}"
    if other == "full":
        return f"is at most {below} {name}" if low < 0 else f"is not below {name}"
    lies = f"between {below} and" if low < 0 else "not below and at most"
    return f"is {lies} {at_most(high, digits)} above {name}"


def _is_no_gain(entry: Against, margin: float) -> bool:
    return entry.value + entry.reach <= margin
