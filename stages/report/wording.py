"""Conclusions in words: metrics/verdict.txt, the page, and what commands print."""

import math
from collections.abc import Sequence

from stages.report.conclusions import OTHERS, Against, Conclusion, NotShown, conclusions
from stages.report.results import Results
from stages.report.seconds import Seconds, in_words
from stages.report.statistics import AS_GOOD_AS, BETTER, WORSE

MOST_POINTS = 100  # that two results can differ by: a wider interval says nothing


def verdict_sentences(draws: Sequence[Results], seconds: Seconds | None = None) -> list[str]:
    """Return a sentence for each target model; seconds are for terminals, not for outputs."""
    found = [sentence(conclusion) for conclusion in conclusions(draws, seconds)]
    return found or ["The selected subset was not compared."]


def sentence(found: Conclusion) -> str:
    """Return all of a conclusion in one sentence."""
    parts = [
        *guessing_in_words(found),
        verdict_in_words(found),
        *cost_in_words(found),
        *smallest_in_words(found),
    ]
    return f"{found.model} ({basis_in_words(found)}): {'; '.join(parts)}."


def verdict_in_words(found: Conclusion) -> str:
    """Return the verdict, without a full stop."""
    told = " and ".join(_told(entry, OTHERS[other]) for other, entry in found.against.items())
    subset = f"the subset of {size_in_words(found.picks, found.unit, found.fraction)}"
    return f"{subset} {told or 'was compared with nothing'}"


def guessing_in_words(found: Conclusion) -> list[str]:
    """Warn of a comparison of models that have learnt nothing."""
    if found.guessing is None:
        return []
    return [
        f"trained on everything it is right on {found.guessing.reached:.2f} % of test, as one who "
        f"guesses among {found.guessing.num_classes} classes may be ({found.guessing.chance:.2f} "
        "%), so it has to learn more before the rest says anything"
    ]


def basis_in_words(found: Conclusion) -> str:
    """Say what the verdict is of."""
    metric = found.metric.replace("_", " ")
    return f"{metric} on test, 95 % intervals, {draws_in_words(found.num_draws)}"


def _told(entry: Against, other: str) -> str:
    if math.isinf(entry.reach):
        return f"cannot be told from {other} ({entry.value:+.2f} points, without an interval)"
    error = f"± {entry.reach:.2f} points" if entry.reach <= MOST_POINTS else "± over 100 points"
    if entry.word in {BETTER, WORSE}:
        return f"is {entry.word} than {other} by {abs(entry.value):.2f} {error}"
    if entry.word == AS_GOOD_AS:
        return f"is as good as {other} ({entry.value:+.2f} {error})"
    return f"may be better or worse than {other} (cannot tell: {entry.value:+.2f} {error})"


def draws_in_words(num_draws: int) -> str:
    """Say how many draws of the subsets were compared."""
    return "this draw alone" if num_draws == 1 else f"{num_draws} draws of the subsets"


def cost_in_words(found: Conclusion) -> list[str]:
    """Say what the search cost and when it pays back; nothing where that is not known."""
    if found.cost is None:
        return []
    in_flops = f"{found.cost.full_trainings:.3g}"
    told, cost = found.cost, f"the search cost {in_flops} full trainings in FLOPs"
    if found.cost_in_seconds and found.cost_in_seconds.search_seconds:
        told = found.cost_in_seconds
        cost = (
            f"the search took {in_words(found.cost_in_seconds.search_seconds)}, as long as "
            f"{told.full_trainings:.3g} full trainings ({in_flops} in FLOPs)"
        )
    if found.is_by_updates:
        return [f"{cost}, and with equal updates a subset saves no training time"]
    after = told.pays_back_after
    if found.is_fine_tuned:
        return [f"{cost}, and never pays back, since a target that is fine-tuned needs an ensemble"]
    if after is None:
        return [f"{cost}, and never pays back, since the subset saves no training time"]
    trainings = "training" if after == 1 else "trainings"
    return [f"{cost} and, counted so, pays back after {after} {trainings} on the subset"]


def smallest_in_words(found: Conclusion) -> list[str]:
    """Name the smallest subset that validation shows to be as good; nothing if that is unknown."""
    within = f"within {found.margin:g} points of everything"
    match found.smallest:
        case None:
            return []
        case NotShown(num, None):
            return [f"no compared subset is shown to be {within} on {num:,} validation samples"]
        case NotShown(num, enough):
            return [
                f"{num:,} validation samples cannot tell whether a compared subset is {within} "
                f"(some {float(f'{enough:.2g}'):,.0f} could)"
            ]
        case smallest:
            size = size_in_words(smallest.picks, found.unit, smallest.fraction)
            return [
                f"the smallest compared subset that validation shows to be {within} has {size}: "
                f"{smallest.difference:+.2f} points there, {smallest.lowest:+.2f} at the least; "
                f"{smallest.test:.2f} on test"
            ]


def size_in_words(picks: int, unit: str, fraction: float) -> str:
    """Say how many picks are which share of the train split."""
    return f"{picks:,} {unit} ({100 * fraction:.3g} %)"
