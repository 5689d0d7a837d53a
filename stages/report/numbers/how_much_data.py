"""How much data is needed: learning curves of what was trained anyway.

Each curve is of one model with one recipe, measured on validation: a target model on the selected
or on the random subsets, both of which end at everything; the voters of the rounds' ensembles on
the subsets that these were trained on; the judges of the races on random subsets. Other models
reach other numbers, so no curve mixes them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from stages.report.formulas.learning_curve import Band, Curve, Point, Values, fitted
from stages.report.formulas.rounding import points as rounded
from stages.report.numbers.conclusions import ROUNDING
from stages.report.numbers.raced import raced_sizes
from stages.report.run.results import Results, measured, num_independent
from stages.shared.artifacts import Rows, Subset

TARGET, VOTER, JUDGE = "target", "voter", "judge"  # how the model was trained
STEPS = 20  # sizes at which a curve is drawn, evenly by their logarithm
WIDEST = 10.0  # points: a wider band is none to decide by


@dataclass(frozen=True)
class LearningCurve:
    """What one model reaches by the size of one kind of subset, in points on validation."""

    model: str
    trained_as: str
    kind: str  # of the subsets: selected or random
    points: tuple[Point, ...]  # ascending, of distinct samples
    num_train: int  # samples of the train split, of which shares are
    num_everything: int  # of these, that are not excluded
    num_samples: int  # that it is measured on
    num_independent: int  # as many count: groups of the user's, where samples have them
    margin: float  # points: report.margin

    @property
    def curve(self) -> Curve | None:
        """What goes through the points; None of too few sizes."""
        return _fitted(self.points, self.num_independent)[0]

    @property
    def bands(self) -> dict[int, Band]:
        """The band by size, from the smallest that was measured to twice the largest."""
        return _fitted(self.points, self.num_independent)[1]

    @property
    def everything(self) -> Point | None:
        """What was measured on everything; None if nothing was."""
        last = self.points[-1]
        return last if last.size == self.num_everything else None

    @property
    def largest(self) -> Point:
        """The largest subset that is not everything."""
        return next(point for point in reversed(self.points) if point.size < self.num_everything)

    @property
    def is_told(self) -> bool:
        """Whether there is a band, and at twice the largest subset one to decide by."""
        return self.curve is not None and self._width(2 * self.largest.size) <= WIDEST

    def _width(self, size: int) -> float:
        return self.bands[size].high - self.bands[size].low

    def enough(self, value: Callable[[Band], float]) -> int | None:
        """Return the smallest size at which a value of the band is within the margin of everything.

        None: none below everything is, or everything was not measured.
        """
        if self.everything is None:
            return None
        lowest = self.everything.mean - self.margin - ROUNDING
        sizes = [size for size in self.bands if size < self.num_everything]
        return next((size for size in sizes if value(self.bands[size]) >= lowest), None)

    @property
    def surely_enough(self) -> int | None:
        """The smallest size whose lower bound is within the margin of everything."""
        return self.enough(lambda band: band.low)

    @property
    def likely_enough(self) -> int | None:
        """The smallest size that is expected to be."""
        return self.enough(lambda band: band.middle)

    def doubling(self, point: Point) -> Band:
        """Return by how many points twice as many samples are better than what was measured."""
        band = self.bands[2 * point.size]
        return Band(*(value - point.mean for value in (band.low, band.middle, band.high)))


@cache  # sentences, tables and pictures ask for the same
def _fitted(points: tuple[Point, ...], num_samples: int) -> tuple[Curve | None, dict[int, Band]]:
    curve = fitted(points, num_samples)
    if curve is None:
        return None, {}
    steps = np.geomspace(points[0].size, 2 * points[-1].size, STEPS).round().astype(int).tolist()
    known = [size for point in points for size in (point.size, 2 * point.size)]
    sizes = sorted({*steps, *known})
    return curve, dict(zip(sizes, curve.bands(sizes), strict=True))


def learning_curves(draws: Sequence[Results]) -> list[LearningCurve]:
    """Return every curve of at least two sizes, those of the target models first."""
    found = [*_of_targets(draws), *_of_voters(draws), *_of_judges(draws)]
    return [curve for curve in found if len(curve.points) > 1]


def curve_to_tell(curves: Sequence[LearningCurve], model: str) -> LearningCurve | None:
    """Return the curve that answers for a target model.

    Its own on selected subsets, else on random ones, else of the models that chose; each only if
    it is told. None: none of them is.
    """
    own = [curve for curve in curves if curve.trained_as == TARGET and curve.model == model]
    others = [curve for curve in curves if curve.trained_as != TARGET]
    return next((curve for curve in [*own, *others] if curve.is_told), None)


def how_much_data(draws: Sequence[Results]) -> dict[str, Rows]:
    """Return by model, and by what else it was trained as, its curves in points.

    measured: on validation; low, middle and high: of the band for a new measurement, empty where
    there are too few sizes. What chose has rows only where it has a band.
    """
    found: dict[str, Rows] = {}
    for curve in learning_curves(draws):
        is_target = curve.trained_as == TARGET
        if is_target or curve.bands:
            name = curve.model if is_target else f"{curve.model}-{curve.trained_as}"
            found.setdefault(name, []).extend(_rows(curve, len(draws)))
    return found


def _rows(curve: LearningCurve, num_draws: int) -> Rows:
    known = {point.size: rounded(point.mean) for point in curve.points}
    ends = ("low", "middle", "high")
    return [
        {
            "model": curve.model,
            "trained_as": curve.trained_as,
            "subset": curve.kind,
            "size": size,
            "fraction": round(size / curve.num_train, 4),
            "measured": known.get(size),
            **{
                end: rounded(getattr(curve.bands[size], end)) if size in curve.bands else None
                for end in ends
            },
            "draws": num_draws,
        }
        for size in sorted({*known, *curve.bands})
    ]


# --- what was measured ----------------------------------------------------------------------------


def _of_targets(draws: Sequence[Results]) -> Iterator[LearningCurve]:
    for model in draws[0].params.compare.models:
        for kind in ("selected", "random"):
            names = [name for name in draws[0].comparison if name.partition("-")[0] == kind] + [
                "full"
            ] * ("full" in draws[0].comparison)
            values = {
                name: (_num_samples([draw.comparison[name] for draw in draws]), rows)
                for name in names
                for rows in [_of_target(draws, model, name)]
            }
            yield _curve(draws, model, TARGET, kind, [*values.values()])


def _of_target(draws: Sequence[Results], model: str, name: str) -> Values:
    metric = draws[0].params.rules.validation_metric
    return measured([draw.targets[model, name] for draw in draws], metric).values_R


def _of_voters(draws: Sequence[Results]) -> Iterator[LearningCurve]:
    values = []
    for entries in zip(*(draw.rounds for draw in draws), strict=True):
        subsets = [draw.subsets[entries[0].source] for draw in draws]
        reached = [entry.validation.voter_accuracy for entry in entries]
        # A single draw keeps its voters.
        rows = reached[0] if len(reached) == 1 else [float(np.mean(one)) for one in reached]
        values.append((_num_samples(subsets), 100 * np.array(rows)))
    yield _curve(draws, draws[0].params.train_ensemble.model, VOTER, "selected", values)


def _of_judges(draws: Sequence[Results]) -> Iterator[LearningCurve]:
    """Yield what judges reach on random subsets: a winner was chosen for what it reached."""
    values, num_samples = [], 0
    for size in raced_sizes(draws[0]):
        races = [draw.races[size] for draw in draws]
        num_samples = races[0].num_samples
        scores_R = np.array([race.random_score for race in races], dtype=np.float64)
        values.append((_num_samples([draw.subsets[size] for draw in draws]), scores_R))
    yield _curve(draws, draws[0].params.race.judge, JUDGE, "random", values, num_samples)


def _num_samples(subsets: Sequence[Subset]) -> int:
    """Return how many different samples there are, mean over the draws."""
    return round(float(np.mean([len(np.unique(subset.index_P)) for subset in subsets])))


def _curve(
    draws: Sequence[Results],
    model: str,
    trained_as: str,
    kind: str,
    values: Sequence[tuple[int, Values]],
    num_samples: int | None = None,
) -> LearningCurve:
    by_size: dict[int, Values] = {}
    for size, values_R in values:  # the first of equal sizes
        by_size.setdefault(size, values_R)
    numbers = draws[0].meta.num_samples
    params, target = draws[0].params, next(iter(draws[0].targets.values()))
    measured_on = num_samples or numbers["validation"]
    share = num_independent(params, draws[0].meta, target, "validation") / numbers["validation"]
    return LearningCurve(
        model=model,
        trained_as=trained_as,
        kind=kind,
        points=tuple(Point(size, tuple(by_size[size].tolist())) for size in sorted(by_size)),
        num_train=numbers["train"],
        num_everything=draws[0].num_everything,
        num_samples=measured_on,
        num_independent=round(share * measured_on),
        margin=params.report.margin,
    )
