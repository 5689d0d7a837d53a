"""The rows of benchmarks/race_table.py as tables in Markdown."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np
from scipy.stats import beta

from benchmarks.race_counts import (
    AGAIN,
    EVERYTHING,
    MARGIN,
    RACE,
    TOP,
    Cell,
    Row,
    cells,
    count,
    interval,
)
from stages.shared.artifacts import Floats


def shown(races: Sequence[Row], targets: Sequence[Row]) -> str:
    """Return the tables as Markdown."""
    found = cells(races, targets)
    lines = [
        "| series | kept | seeds | random | everything | top - random | race - random | winners "
        "| judged samples | seconds | full trainings in seconds, in FLOPs |",
        "|---" * 11 + "|",
        *[_cell_row(cell, _full_seconds(races, cell.name)) for cell in found],
        "",
        *_count_rows(found),
        "",
        *_sentences([cell for cell in found if not cell.name.endswith(AGAIN)]),
        "",
        *_winner_rows([cell for cell in found if not cell.name.endswith(AGAIN)]),
        "",
        *_winner_rows([cell for cell in found if cell.name.endswith("-many")]),
    ]
    return "\n".join(lines)


def _full_seconds(races: Sequence[Row], name: str) -> float:
    """Return the seconds of a training on everything: of a series' first cell, others find it."""
    return next(float(row["full_seconds"]) for row in races if row["series"] == name)


def _cell_row(cell: Cell, full_seconds: float) -> str:
    race, top = (_shown(cell.gains(name)) for name in (RACE, TOP))
    seconds, flops = (
        np.mean([float(row[name]) for row in cell.races]) for name in ("seconds", "full_trainings")
    )
    # Of draws that raced before, judges are found finished: their seconds say nothing. Those of a
    # cell that was broken off are nan.
    is_known = not (cell.name.endswith(AGAIN) or np.isnan(seconds))
    took = f"{seconds:.0f} | {seconds / full_seconds:.0f}," if is_known else "|"
    told = ", ".join(f"{name} {num}" for name, num in cell.winners().most_common())
    everything = f"{cell.points(EVERYTHING).mean():.2f}"
    judged = cell.races[0]["judged_samples"]
    return (
        f"| {cell.name} | {100 * cell.budget:g} % | {len(cell.seeds)} "
        f"| {cell.randoms().mean():.2f} | {everything} | {top} | {race} | {told} | {judged} "
        f"| {took} {flops:.1f} |"
    )


def _count_rows(found: Sequence[Cell]) -> Iterable[str]:
    yield (
        "| series | decisions | measured worse | by noise alone | shown worse | its upper bound "
        "| gain | attainable | captured |"
    )
    yield "|---" * 9 + "|"
    groups = [(name, list(some)) for name, some in groupby(found, lambda cell: cell.name)]
    once = [cell for cell in found if not cell.name.endswith(AGAIN)]
    for name, some in [*groups, ("all", once)]:
        counted = count([one for cell in some for one in cell.decisions()])
        yield (
            "| {name} | {decisions} | {measured} | {by_noise:.1f} | {shown} | {upper:.1f} % "
            "| {told} | {attainable:.2f} | {captured:.0f} % |"
        ).format(name=name, told=_with_reach(counted["gain"], counted["reach"]), **counted)
    means = np.array([cell.gains(RACE).mean() for cell in once])
    mean, reach = interval(means)
    below = [
        f"{cell.name} {100 * cell.budget:g} %"
        for cell in found
        if sum(interval(cell.gains(RACE))) < 0
    ]
    yield ""
    yield f"Mean over {len(once)} cells {mean:+.2f} ± {reach:.2f}; below 0: {below or 'none'}"


def _sentences(found: Sequence[Cell]) -> Iterable[str]:
    """Say what holds of all cells whose draws raced in no other series."""
    judged, gain, error, is_random = np.array(
        [
            (float(row["judged_gain"]), one.gain, one.error, row["winner"] == "random")
            for cell in found
            for row, one in zip(cell.races, cell.decisions(), strict=True)
        ]
    ).T
    by_strategy, by_random = is_random == 0, is_random == 1
    if by_strategy.sum() > 1:
        judged, reached = judged[by_strategy], gain[by_strategy]
        yield (
            f"A strategy won {len(reached)}: judged {judged.mean():+.2f}, on test "
            f"{reached.mean():+.2f}, correlation {np.corrcoef(judged, reached)[0, 1]:.2f}, "
            f"{(reached < 0).sum()} below 0"
        )
    if by_random.any():
        yield f"Random won {by_random.sum()}: {_shown(gain[by_random])} above the mean of others"
    measured = int((gain < -MARGIN).sum())
    upper = 100 * float(beta.ppf(0.95, measured + 1, len(gain) - measured))
    yield f"Measured worse {measured} of {len(gain)}: upper bound {upper:.1f} %"
    yield f"Standard error {error.min():.2f} to {error.max():.2f}, median {np.median(error):.2f}"
    clean = [one for cell in found if "wrong" not in cell.name for one in cell.decisions()]
    if clean:
        told = "{decisions}: {gain:+.2f} ± {reach:.2f}, {captured:.0f} %, {measured} worse"
        yield f"Of right labels {told.format(**count(clean))}"
    losing = sum(cell.gains(TOP).mean() < -1 for cell in found)
    lowest = min(found, key=lambda cell: float(cell.gains(RACE).mean()))
    yield (
        f"top loses more than a point in {losing} of {len(found)} cells; the race's lowest mean "
        f"is {lowest.gains(RACE).mean():+.2f} ({lowest.name} {100 * lowest.budget:g} %)"
    )


def _winner_rows(found: Sequence[Cell]) -> Iterable[str]:
    """Say of each entrant how often it raced, won, and was best in hindsight."""
    raced, won, best = Counter[str](), Counter[str](), Counter[str]()
    gains: dict[str, list[float]] = {}
    for cell in found:
        names = {row["subset"] for row in cell.targets if row["judged_gain"]} - {RACE}
        names |= set(cell.entrants())
        for name in names:
            raced[name] += len(cell.seeds)
        won += cell.winners()
        measured = {name: cell.gains(name) for name in cell.entrants()}
        for place in range(len(cell.seeds)):
            of_draw = {
                name: gain_S[place]
                for name, gain_S in measured.items()
                if not np.isnan(gain_S[place])
            }
            name = max(of_draw, key=lambda name: of_draw[name])
            best[name if of_draw[name] > 0 else "random"] += 1
        for name, gain_S in measured.items():
            gains.setdefault(name, []).extend(gain_S.tolist())
    yield "| entrant | races with a target | won | best in hindsight | target - random |"
    yield "|---|---|---|---|---|"
    for name in sorted({*raced, "random"}, key=lambda name: (-won[name], name)):
        mean = f"{np.nanmean(gains[name]):+.2f}" if name in gains else ""
        yield f"| {name} | {raced[name] or ''} | {won[name]} | {best[name]} | {mean} |"


def _shown(values_S: Floats) -> str:
    return _with_reach(*interval(values_S))


def _with_reach(mean: float, reach: float) -> str:
    """Return a mean with half of its interval, which a single value has not."""
    return f"{mean:+.2f}" if np.isnan(reach) else f"{mean:+.2f} ± {reach:.2f}"
