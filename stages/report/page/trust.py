"""*May I trust it?* What the verdict rests on, and what follows where that is too little."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stages.report.formulas.rounding import at_most
from stages.report.numbers.conclusions import OTHERS, Conclusion
from stages.report.numbers.raced import ENOUGH_SAMPLES, raced_sizes, smallest_gains
from stages.report.numbers.summary import on_validation
from stages.report.run.results import Results
from stages.report.samples import alike
from stages.report.words import wording
from stages.report.words.next_step import DRAWS, ENOUGH_DRAWS, LONGER, SPLITS


@dataclass(frozen=True)
class Check:
    """One thing to look at before the verdict is believed."""

    is_fine: bool
    name: str
    found: str
    consequence: str = ""  # where it is not fine,
    step: str = ""  # and what helps, as next_step names it


def checks(draws: Sequence[Results], conclusions: Sequence[Conclusion]) -> list[Check]:
    """Return all checks, those that are not fine first."""
    found = [
        _draws(len(draws)),
        *(check for one in conclusions for check in _of_model(draws, one, len(conclusions) > 1)),
        *of_classes(draws[0]),
        of_splits(draws[0]),
        *_groups(draws[0]),
        *_race(draws),
    ]
    return sorted(found, key=lambda check: check.is_fine)


def trust_in_short(found: Sequence[Check]) -> str:
    """Return one sentence: how many checks are not fine, and which."""
    bad = [check.name for check in found if not check.is_fine]
    if not bad:
        return f"All {len(found)} checks are fine."
    lower = [f"{name[0].lower()}{name[1:]}" for name in bad]
    are = "is" if len(bad) == 1 else "are"
    return f"{len(bad)} of {len(found)} checks {are} not fine: {', '.join(lower)}."


def _draws(num: int) -> Check:
    return Check(
        num >= ENOUGH_DRAWS,
        "Random seeds",
        wording.draws_in_words(num),
        "Another random seed may give another answer: random_seeds of 3 or more show that.",
        DRAWS,
    )


def _of_model(draws: Sequence[Results], one: Conclusion, is_named: bool) -> Iterator[Check]:
    of = f" ({one.model})" if is_named else ""
    if one.against:
        yield _precision(one, of)
    yield Check(
        not one.guessing,
        f"Learnt something{of}",
        "better than by chance" if not one.guessing else "little better than by chance",
        "The models must learn more before a comparison says anything.",
        LONGER,
    )
    yield Check(
        not one.rising,
        f"Trained to the end{of}",
        _rise_in_words(one),
        "Longer trainings may say otherwise.",
        LONGER,
    )
    for other in one.against:
        yield _validation(draws, one, other, of)


def _precision(one: Conclusion, of: str) -> Check:
    reach = max(entry.reach for entry in one.against.values())
    known = "no interval" if math.isinf(reach) else f"differences are known to ± {reach:.1f} points"
    return Check(
        reach <= one.margin,
        f"Precision{of}",
        f"{known}, from {wording.measured_on(one)}",
        f"Smaller differences cannot be seen, and {one.margin:g} points (report.margin) would "
        f"count. {_what_shrinks(one)}",
        DRAWS,
    )


def _rise_in_words(one: Conclusion) -> str:
    if one.rising:
        return f"{one.validated_by} on validation still rises"
    if one.rises_at_most is None:
        return "too few validations show whether it still learns"
    most = at_most(one.rises_at_most, 1)
    return f"on validation it rises by at most {most} points at the end"


def _what_shrinks(one: Conclusion) -> str:
    words = wording.errors_in_words(one)
    return (
        f"{words[0][0].upper()}{words[0][1:]}." if words else "More test samples show smaller ones."
    )


def _validation(draws: Sequence[Results], one: Conclusion, other: str, of: str) -> Check:
    validated = on_validation(draws, one.model, "selected") - on_validation(draws, one.model, other)
    tested = one.against[other].value
    is_other_way = validated * tested < 0 and min(abs(validated), abs(tested)) > one.margin
    return Check(
        not is_other_way,
        f"Validation does not contradict{of}",
        f"against {OTHERS[other]}: {_tenth(tested)} points on test, {_tenth(validated)} on "
        "validation",
        "The two disagree, so the difference is likely chance, or the splits differ.",
    )


def _tenth(points: float) -> str:
    return f"{round(points, 1) + 0.0:+.1f}"  # no -0.0


def of_classes(results: Results) -> Iterator[Check]:
    """Yield whether test, and where samples have labels validation, have some of every class."""
    held = set(results.validation_targets_V.tolist())
    missing = [name for row, name in enumerate(results.meta.class_names) if row not in held]
    tested = next(iter(results.targets.values())).evaluation.by_class
    untested = [name for name, of_class in tested.items() if of_class.get("num") == 0]
    lacking = {"test": untested, "validation": missing}
    if not results.params.rules.has_labels:
        del lacking["validation"]
    for split, names in lacking.items():
        yield Check(
            not names,
            f"Classes without {split} samples",
            f"{len(names)} of {results.meta.num_classes}" if names else "none",
            f"Nothing is known of {', '.join(names[: wording.MOST_NAMED])}"
            f"{' and others' if len(names) > wording.MOST_NAMED else ''}.",
        )


def of_splits(results: Results) -> Check:
    """Return whether splits share samples, as far as was looked."""
    near, same = (len(alike.crossing(of(results))) for of in (alike.groups, alike.copies))
    nearly = ", nor any nearly equal" if alike.looks_for_near(results.alike) else ""
    return Check(
        not near,
        "Samples in two splits",
        _crossing(near, same) if near else f"none{nearly}",
        "Models are judged by what they have seen, so accuracies are too high.",
        SPLITS,
    )


def _crossing(near: int, same: int) -> str:
    groups = "1 group" if near == 1 else f"{near:,} groups"
    told = f"{groups} of {'' if same == near else 'nearly '}equal samples"
    return told if same in {0, near} else f"{told}, in {same:,} of them copies"


def _groups(results: Results) -> Iterator[Check]:
    """Say what groups of the user's hold together, and what follows for intervals."""
    if results.has_groups:
        yield Check(
            True,
            "Groups (dataset.groups)",
            "each is in one split, and intervals count groups, not samples: they are wider, and "
            "hold for groups that are not in the data",
        )


def _race(draws: Sequence[Results]) -> Iterator[Check]:
    for size in raced_sizes(draws[0]):
        num_samples = draws[0].races[size].num_samples
        yield Check(
            num_samples >= ENOUGH_SAMPLES,
            f"What the race to {size} could see",
            "judges, small models trained on what each strategy would take, could see gains of at "
            f"least {smallest_gains(draws, size)} on {num_samples:,} samples",
            "With so few samples a race hardly tells strategies apart: race.holdout adds some.",
        )
