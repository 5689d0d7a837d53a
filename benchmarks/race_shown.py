"""The rows of benchmarks/race_table.py as tables in Markdown."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np

from benchmarks.race_counts import (
    AGAIN,
    EVERYTHING,
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
    # Of draws that raced before, judges are found finished: their seconds say nothing.
    is_again = cell.name.endswith(AGAIN)
    took = "|" if is_again else f"{seconds:.0f} | {seconds / full_seconds:.0f},"
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
            "| {gain:+.2f} ± {reach:.2f} | {attainable:.2f} | {captured:.0f} % |"
        ).format(name=name, **counted)
    means = np.array([cell.gains(RACE).mean() for cell in once])
    mean, reach = interval(means)
    below = [
        f"{cell.name} {100 * cell.budget:g} %"
        for cell in found
        if sum(interval(cell.gains(RACE))) < 0
    ]
    yield ""
    yield f"Mean over {len(once)} cells {mean:+.2f} ± {reach:.2f}; below 0: {below or 'none'}"


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
    mean, reach = interval(values_S)
    return f"{mean:+.2f} ± {reach:.2f}"
