"""What stands behind a verdict, in words: errors, costs, warnings."""

from collections.abc import Sequence

from stages.report.formulas.statistics import ANSWERS, AS_GOOD_AS, BETTER, SAMPLES, WORSE
from stages.report.numbers.conclusions import OTHERS, Conclusion, NotShown
from stages.report.numbers.seconds import in_words
from stages.report.run.results import Results
from stages.report.words.headline import listed, size_in_words
from stages.shared.errors import printable
from stages.shared.sizes import MATCHED

SUBSETS = {"selected": "the subset", **OTHERS}
MOST_NAMED = 10  # classes
FAR_MORE = 20  # times as many samples as there are: a number beyond it says little


def details(found: Conclusion) -> list[str]:
    """Return what stands behind a verdict, the gravest first, without full stops."""
    return [
        *warnings_in_words(found),
        *bargain_in_words(found),
        *errors_in_words(found),
        *cost_in_words(found),
        *smallest_in_words(found),
    ]


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
    if not found.guessing or found.is_of_one_class:
        return []
    names = listed([SUBSETS[name] for name in found.guessing])
    above = listed(
        [f"{one.above:+.2f} (at least {one.lowest:+.2f})" for one in found.guessing.values()]
    )
    return [
        f"trained on {names} it does little more than guess: {above} points above chance, where at "
        f"least {found.margin:g} would count; it has to learn more before the rest says anything"
    ]


def untested_in_words(found: Conclusion) -> list[str]:
    """Name the classes of which test holds nothing, whatever the metric is."""
    if not found.untested:
        return []
    if found.is_of_one_class:
        return [
            "test holds samples of one class alone, and who always names that one is right too: "
            "nothing can be told before it holds others"
        ]
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
    names = listed([SUBSETS[name] for name in found.rising])
    points = listed([f"{value:.2f}" for value in found.rising.values()])
    return [
        f"not converged: trained on {names} its {found.validated_by} on validation still rose by "
        f"{points} points at the end, so that longer trainings may say otherwise"
    ]


def errors_in_words(found: Conclusion) -> list[str]:
    """Say where the largest part of the intervals' errors comes from, and what would shrink it."""
    by_source: dict[str, list[str]] = {}
    for other, entry in found.against.items():
        if entry.source:
            by_source.setdefault(entry.source, []).append(other)
    return [
        f"the error of the difference to {listed([OTHERS[other] for other in others])} comes most "
        f"from {_source_in_words(source, found, others)}"
        for source, others in by_source.items()
    ]


def _source_in_words(source: str, found: Conclusion, others: Sequence[str]) -> str:
    is_alone = found.num_draws == 1
    setting = "train_subset_model.members" if is_alone else "random_seeds"
    # Equal ones are told once.
    shares = dict.fromkeys(f"{100 * found.against[other].share:.0f}" for other in others)
    share = f"({listed(list(shares))} % of its variance)"
    if source == SAMPLES:
        return (
            f"the {measured_on(found)} {share}, so more {setting} hardly shrink it, and more "
            f"{'groups' if found.num_test_groups else 'test samples'} do"
        )
    if source == ANSWERS:
        return f"single answers {share}, so both more {setting} and more test samples shrink it"
    rows = f"{found.num_members} trainings" if is_alone else f"{found.num_draws} draws"
    return f"the {rows} {share}, so more {setting} shrink it, and more test samples hardly do"


def measured_on(found: Conclusion) -> str:
    """Say what was measured on."""
    groups = f" in {found.num_test_groups:,} groups" if found.num_test_groups else ""
    return f"{found.num_test:,} test samples{groups}"


def basis_in_words(found: Conclusion) -> str:
    """Say what the verdict is of, in whole sentences."""
    basis = (
        f"{found.metric.capitalize().replace('_', ' ')} on test, 95 % intervals, "
        f"{draws_in_words(found.num_draws)}, {measured_on(found)}; within {found.margin:g} "
        "points (report.margin) counts as equal."
    )
    if not found.shares_first:
        return basis
    return (
        f"{basis} All draws are from one first subset: how that was drawn is left out of the "
        "intervals."
    )


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
        return [f"{cost}, and with equal updates a subset saves hardly any training time"]
    after = told.pays_back_after
    if found.is_fine_tuned:
        return [f"{cost}, and never pays back, since a target that is fine-tuned needs an ensemble"]
    if after is None:
        return [f"{cost}, and never pays back, since the subset saves no training time"]
    trainings = "training" if after == 1 else "trainings"
    return [f"{cost} and, counted so, pays back after {after} {trainings} on the subset"]


def _what_could(num: int, enough: int) -> str:
    """Say how many validation samples could tell."""
    if enough > FAR_MORE * num:
        return f"nor could {FAR_MORE * num:,}"
    return f"some {float(f'{enough:.2g}'):,.0f} could"


def smallest_in_words(found: Conclusion) -> list[str]:
    """Name the smallest subset that validation shows to be as good; nothing if that is unknown."""
    within = f"within {found.margin:g} points of everything"
    match found.smallest:
        case None:
            return []
        case NotShown(num, enough):
            if enough is None:
                return [f"no compared subset is shown to be {within} on {num:,} validation samples"]
            return [
                f"{num:,} validation samples cannot tell whether a compared subset is {within} "
                f"({_what_could(num, enough)})"
            ]
        case smallest:
            size = size_in_words(smallest.picks, found.unit, smallest.fraction)
            return [
                f"the smallest compared subset that validation shows to be {within} has {size}: "
                f"{smallest.difference:+.2f} points there, {smallest.lowest:+.2f} at the least; "
                f"{smallest.test:.2f} on test"
            ]
