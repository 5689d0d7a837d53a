"""What the race of each round says: who won, by how much, and how far it could see."""

from collections.abc import Iterator, Sequence
from typing import Any

from stages.report.formulas.rounding import at_most, points, with_interval
from stages.report.numbers.summary import difference
from stages.report.run.results import Results
from stages.shared.artifacts import Rows
from stages.shared.artifacts.races import RaceResult

ENOUGH_SAMPLES = 500  # judged: with fewer a race hardly ever tells (benchmarks/race_rule.py)


def is_random(result: RaceResult) -> bool:
    """Whether a random subset won."""
    return bool(result.runners) and result.winner not in result.runners


def raced_sizes(results: Results) -> list[str]:
    """Return the sizes for whose subsets strategies raced."""
    return [size for size, result in results.races.items() if result.runners]


def race(draws: Sequence[Results]) -> Rows:
    """Return how each entrant of each draw's race did, in points; none where there was no race.

    gain: minus the mean of the random subsets, as judged. lowest: its lower bound, corrected for
    how many were in reach; empty where it dropped out. The row `random` has what the best random
    subset gains where that one won.
    """
    return [
        row
        for size in raced_sizes(draws[0])
        for draw in draws
        for row in _rows(size, draw.params.draw, draw.races[size])
    ]


def _rows(size: str, draw: str, result: RaceResult) -> Iterator[dict[str, object]]:
    smallest, wins = _points(result.smallest_gain), is_random(result)
    of_race = {"samples": result.num_samples, "smallest_gain": smallest}
    for name, runner in result.runners.items():
        yield {
            "subset": size,
            "draw": draw,
            "entrant": name,
            "judges": runner.judges,
            "gain": _points(runner.gain),
            "standard_error": _points(runner.standard_error),
            "lowest": _points(runner.lowest),
            "dropped_after": runner.dropped_after,
            "won": int(name == result.winner),
            **of_race,
        }
    yield {
        "subset": size,
        "draw": draw,
        "entrant": "random",
        "judges": _num_random(result),
        "gain": _points(result.winner_gain) if wins else None,
        **dict.fromkeys(("standard_error", "lowest", "dropped_after")),
        "won": int(wins),
        **of_race,
    }


def _points(value: float | None) -> float | None:
    return None if value is None else points(value)


# --- in words ------------------------------------------------------------------------------------


def smallest_gains(draws: Sequence[Results], size: str) -> str:
    """Say how small a gain the races of a size could have seen, in points: by draw from, to."""
    gains = [gain for draw in draws if (gain := draw.races[size].smallest_gain) is not None]
    low, high = (at_most(bound, 1) for bound in (min(gains), max(gains)))
    return f"{high} points" if low == high else f"{low} to {high} points (by draw)"


def taken_by(results: Results) -> str:
    """Say by what the last subset of a draw was taken."""
    race, params = results.races[results.rounds[-1].target], results.params
    if not race.runners:
        acquisition = results.rounds[-1].acquisition.replace("_", " ")
        return f"taken by the rule {params.select.rule}, by scores of {acquisition}"
    if is_random(race):
        return (
            "the race took a random subset, as no strategy won, so no score decided what is taken"
        )
    return f"the race took what {race.winner} proposed"


def taken_in_words(results: Results, number: int) -> str:
    """Say why samples were taken in a round of a draw; 0 is the first subset."""
    if not number:
        return "taken to start with"
    entry = results.rounds[number - 1]
    race, params = results.races[entry.target], results.params
    if race.runners and is_random(race):
        return f"taken at random in round {number}"
    if race.runners:
        return f"taken in round {number}, as {race.winner} proposed"
    acquisition = entry.acquisition.replace("_", " ")
    return f"taken in round {number} by {params.select.rule}, by its {acquisition}"


def race_sentences(draws: Sequence[Results]) -> list[str]:
    """Return sentences about each round that was raced for: who won, how far the race could see."""
    return [f"{words}." for size in raced_sizes(draws[0]) for words in _told(draws, size)]


def _told(draws: Sequence[Results], size: str) -> Iterator[str]:
    settings = draws[0].params.race
    results = [draw.races[size] for draw in draws]
    metric = draws[0].params.report.metric.replace("_", " ")
    num_samples = results[0].num_samples
    promise = (
        f"no winner is worse than random by more than {settings.margin:g} points, as far as the "
        f"judges can tell ({100 * (1 - settings.level):g} % for each race)"
        if not all(map(is_random, results))
        else f"each strategy was judged no better than random, or may be more than "
        f"{settings.margin:g} points worse, so the random subset that was judged best is taken"
    )
    yield f"Race to {size}: {', '.join(_winners(results))}; {promise}"
    few = ": few, race.holdout adds some" if num_samples < ENOUGH_SAMPLES else ""
    made, most = (
        sum(getattr(result, name) for result in results) for name in ("trainings", "most_trainings")
    )
    saved = f"{100 * (1 - made / most):.0f} % less than with nobody dropped"
    yield (
        f"Its judges, {settings.judge}, see gains of at least {smallest_gains(draws, size)}, "
        f"by {metric} on {num_samples:,} judged samples{few}; they trained {made} times, "
        f"{saved if made < most else 'as nobody dropped out'}"
    )
    if size == str(draws[0].params.sizes[-1]):
        yield from _transfer(draws)


def _winners(results: Sequence[RaceResult]) -> Iterator[str]:
    """Yield who won in how many draws, the most frequent first, and what was judged of it.

    Nothing of random subsets: the best of some is chosen by the very score that would be shown.
    """
    winners = ["a random subset" if is_random(one) else one.winner for one in results]
    for name in sorted(set(winners), key=lambda name: (-winners.count(name), name)):
        gains = [
            f"{result.winner_gain:+.2f} (at least {result.runners[name].lowest:+.2f})"
            for result, winner in zip(results, winners, strict=True)
            if winner == name and not is_random(result)
        ]
        judged = f", judged {' and '.join(gains)} points over random" if gains else ""
        of = f"{len(results)} draws" if len(results) > 1 else "1 draw"
        yield f"{name} won {winners.count(name)} of {of}{judged}"


def _num_random(result: RaceResult) -> int:
    return result.trainings - sum(runner.judges for runner in result.runners.values())


def _transfer(draws: Sequence[Results]) -> Iterator[str]:
    """Yield what the last round's choice is worth to the targets, for whom nothing is promised."""
    compared: Any = draws[0].comparison
    if {"selected", "random"} <= set(compared):
        told = ", ".join(
            f"{with_interval(found.value, found.plus_minus)} with {model}"
            for model in draws[0].params.compare.models
            for found in [difference(draws, model, "selected", "random")]
        )
        yield f"On test the raced subset minus a random one is {told}"
