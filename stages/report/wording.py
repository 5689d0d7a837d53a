"""Conclusions in words: metrics/verdict.txt, the page, and what commands print."""

import math
from collections.abc import Sequence

from stages.report.conclusions import OTHERS, Against, Conclusion, NotShown, conclusions
from stages.report.results import Results
from stages.report.seconds import Seconds, in_words
from stages.report.statistics import ANSWERS, AS_GOOD_AS, BETTER, SAMPLES, WORSE
from stages.shared.errors import printable
from stages.shared.sizes import MATCHED

SUBSETS = {"selected": "the subset", **OTHERS}
MOST_NAMED = 10  # classes
MOST_POINTS = 100  # that two results can differ by: a wider interval says nothing


def verdict_sentences(draws: Sequence[Results], seconds: Seconds | None = None) -> list[str]:
    """Return a sentence for each target model, and what validation does not know.

    Seconds are for terminals, not for outputs.
    """
    found = [sentence(conclusion) for conclusion in conclusions(draws, seconds)]
    found = found or ["The selected subset was not compared."]
    return [*found, *unvalidated_in_words(draws[0])]


def sentence(found: Conclusion) -> str:
    """Return all of a conclusion in one sentence."""
    parts = [
        *warnings_in_words(found),
        verdict_in_words(found),
        *bargain_in_words(found),
        *errors_in_words(found),
        *cost_in_words(found),
        *smallest_in_words(found),
    ]
    return f"{found.model} ({basis_in_words(found)}): {'; '.join(parts)}."


def verdict_in_words(found: Conclusion) -> str:
    """Return the verdict, without a full stop."""
    told = " and ".join(
        _untold(entry, OTHERS[other])
        if found.guessing.keys() & {"selected", other}
        else _told(entry, OTHERS[other]) + _random_will_do(other, entry, found.margin)
        for other, entry in found.against.items()
    )
    subset = f"the subset of {size_in_words(found.picks, found.unit, found.fraction)}"
    return f"{subset} {told or 'was compared with nothing'}"


def bargain_in_words(found: Conclusion) -> list[str]:
    """Say whether to train less on everything instead; nothing where that was not compared."""
    entry = found.against.get(MATCHED)
    if entry is None or found.guessing.keys() & {"selected", MATCHED}:
        return []
    less = "training less on everything, for as many updates and without a search,"
    if entry.word == BETTER:
        return [f"so the subset is the better bargain: {less} is worse"]
    if entry.word == WORSE:
        return [f"{less} is the better bargain"]
    if entry.word == AS_GOOD_AS:
        return [f"{less} is not shown to be worse, so it is the better bargain"]
    return [f"{less} may be the better bargain: the subset is not shown to be better"]


def warnings_in_words(found: Conclusion) -> list[str]:
    """Say why a verdict may mean little, the gravest reason first."""
    return [*guessing_in_words(found), *untested_in_words(found), *rising_in_words(found)]


def guessing_in_words(found: Conclusion) -> list[str]:
    """Warn of a comparison of models that have learnt nothing."""
    if not found.guessing:
        return []
    names = _listed([SUBSETS[name] for name in found.guessing])
    above = _listed([f"{entry.above:+.2f}" for entry in found.guessing.values()])
    lowest = _listed([f"{entry.lowest:+.2f}" for entry in found.guessing.values()])
    return [
        f"trained on {names} it does little more than guess ({above} points above chance, {lowest} "
        f"at the least, where more than {found.margin:g} would count), so it has to learn more "
        "before the rest says anything"
    ]


def untested_in_words(found: Conclusion) -> list[str]:
    """Name the classes of which test holds nothing, whatever the metric is."""
    if not found.untested:
        return []
    return [
        f"{_named(found.untested, found.num_classes, 'test')}, so nothing is said of them, and a "
        "mean over classes is one over the others"
    ]


def unvalidated_in_words(results: Results) -> list[str]:
    """Name the classes of which validation holds nothing; nothing where samples have no label."""
    if not results.params.rules.has_labels:
        return []
    held = set(results.validation_targets_V.tolist())
    names = [name for number, name in enumerate(results.meta.class_names) if number not in held]
    if not names:
        return []
    return [
        f"{_named(names, results.meta.num_classes, 'validation')}, so what is chosen by validation "
        "does not see them."
    ]


def _named(names: Sequence[str], num_classes: int, split: str) -> str:
    told = ", ".join(repr(name) for name in names[:MOST_NAMED])
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return printable(f"{len(names)} of {num_classes} classes have no {split} sample ({told}{more})")


def rising_in_words(found: Conclusion) -> list[str]:
    """Warn of trainings that may be too short."""
    if not found.rising:
        return []
    names = _listed([SUBSETS[name] for name in found.rising])
    points = _listed([f"{value:.2f}" for value in found.rising.values()])
    return [
        f"not converged: trained on {names} its accuracy on validation still rose by {points} "
        "points at the end, so that longer trainings may say otherwise"
    ]


def errors_in_words(found: Conclusion) -> list[str]:
    """Say where the largest part of the intervals' errors comes from, and what would shrink it."""
    by_source: dict[str, list[str]] = {}
    for other, entry in found.against.items():
        if entry.source:
            by_source.setdefault(entry.source, []).append(other)
    return [
        f"the error of the difference to {_listed([OTHERS[other] for other in others])} comes most "
        f"from {_source_in_words(source, found, others)}"
        for source, others in by_source.items()
    ]


def _source_in_words(source: str, found: Conclusion, others: Sequence[str]) -> str:
    is_alone = found.num_draws == 1
    setting = "train_subset_model.members" if is_alone else "random_seeds"
    # Equal ones are told once.
    shares = dict.fromkeys(f"{100 * found.against[other].share:.0f}" for other in others)
    share = f"({_listed(list(shares))} % of its variance)"
    if source == SAMPLES:
        return (
            f"the {found.num_test:,} test samples {share}, so more {setting} hardly shrink it, and "
            "more test samples do"
        )
    if source == ANSWERS:
        return f"single answers {share}, so both more {setting} and more test samples shrink it"
    rows = f"{found.num_members} trainings" if is_alone else f"{found.num_draws} draws"
    return f"the {rows} {share}, so more {setting} shrink it, and more test samples hardly do"


def _listed(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


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
    if entry.reach > MOST_POINTS:
        return f"may be better or worse than {other} (cannot tell: {entry.value:+.2f} {error})"
    worse, better = entry.reach - entry.value, entry.reach + entry.value
    return (
        f"is at most {worse:.2f} points worse and at most {better:.2f} better than {other} "
        f"({entry.value:+.2f} {error})"
    )


def _random_will_do(other: str, entry: Against, margin: float) -> str:
    """Say so where a random subset is as good; nothing where it is worse, or may be."""
    is_as_good = entry.word != WORSE and entry.value + entry.reach <= margin
    return ", so random is as good here" if other == "random" and is_as_good else ""


def _untold(entry: Against, other: str) -> str:
    """Say how models differ that guess."""
    return f"differs from {other} by {entry.value:+.2f} points, which says nothing"


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
