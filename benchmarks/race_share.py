"""Which share of races hands on something truly worse than random, the noise of targets taken out.

    python -m benchmarks.race_share
    python -m benchmarks.race_share --simulate 100

A measured gain is the true one plus normal noise, whose standard error is known from the rows of
benchmarks/race_table.py. Nothing is assumed of how the true gains are distributed: the distribution
is that of maximum likelihood on a grid (Kiefer and Wolfowitz 1956), found by EM (Laird 1978). Its
mass below a loss is the estimate; the 95 % bound is the largest mass there with which the
likelihood is at least a twentieth of its maximum. Without noise and without a failure that is the
bound of Clopper and Pearson, 1 - 0.05 ** (1 / N); the usual profile likelihood, whose limit is
2.2 times lower there, is too small at that end. The bound so counts that a loss just over the
margin looks like none.

The standard error is not known exactly: targets on random subsets differ by training and by subset,
and only the first is noise of a decision. So both ends are shown: `all` of the difference is
noise of training (as in race_counts.py), or `none` of it is.

`--simulate` draws gains from known distributions, with the errors of the decisions where a strategy
won, and says how often the bound is not below the share of the distribution.

Where a random subset won, it is itself a random one, so that such decisions are counted apart too.

Shapes: N decisions, J places of the grid.
"""

import argparse
from collections.abc import Callable, Mapping
from math import log, sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from benchmarks import race_counts, rows
from benchmarks.race_counts import AGAIN, MARGIN
from benchmarks.race_table import RESULTS
from stages.shared.artifacts import Floats

TABLE = "race-table-[rt]a*s_*.csv"  # races, targets
LOSSES = (MARGIN, 0.5, 1.0)  # points
STEP, LOWEST = 0.2, -10.0  # points, of the grid
JUST = 0.01  # points, by which it has a place below each loss
ITERATIONS = 300
TOO_SMALL = log(20)  # of the logarithm of the likelihood, below its maximum
HALVINGS = 10  # of the interval that the bound lies in


def main() -> None:
    """Print shares and bounds, or how often the bounds hold."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--simulate", type=int, default=0, help="so many tables of each truth")
    simulations = parser.parse_args().simulate
    gain_N, is_random_N, errors = decisions()
    if simulations:
        error_N = errors["all"][~is_random_N]
        print("| truth | truly below | estimated | bound | it holds |\n" + "|---" * 5 + "|")
        for name, truth in TRUTHS.items():
            rng = np.random.default_rng(len(name))
            found = [simulated(truth, error_N, rng) for _ in range(simulations)]
            share, bound = 100 * np.array(found).T
            told = [f"{value:.1f} %" for value in (100 * truth.share, share.mean(), bound.mean())]
            held = 100 * np.mean(bound >= 100 * truth.share)
            print(f"| {name} | {' | '.join(told)} | {held:.0f} % |")
        return
    print("| decisions | noise | worse by more than | share | upper bound |\n" + "|---" * 5 + "|")
    groups = {"all": np.ones_like(is_random_N), "a strategy": ~is_random_N, "random": is_random_N}
    for group, here_N in groups.items():
        for name, error_N in errors.items():
            for loss in LOSSES:
                share, bound = share_and_bound(gain_N[here_N], error_N[here_N], loss)
                ends = f"{100 * share:.1f} % | {100 * bound:.1f} %"
                print(f"| {group}, {here_N.sum()} | {name} | {loss:g} | {ends} |")


def decisions() -> tuple[Floats, npt.NDArray[np.bool_], Mapping[str, Floats]]:
    """Return of each decision in `all` [N]: its gain, whether random won, and its standard error.

    Points; the error if `all` or `none` of the spread of random targets is noise of training.
    """
    tables = [rows.load(path) for path in sorted(RESULTS.glob(TABLE))]
    found = []
    for cell in race_counts.cells(*tables):
        if not cell.name.endswith(AGAIN):
            of_random = float(cell.randoms().var(axis=1, ddof=1).mean())
            found += [
                (one.gain, race["winner"] == "random", one.error, sqrt(one.error**2 - of_random))
                for race, one in zip(cell.races, cell.decisions(), strict=True)
            ]
    gain_N, is_random_N, all_N, none_N = np.array(found).T
    return gain_N, is_random_N.astype(np.bool_), {"all": all_N, "none": none_N}


def share_and_bound(gain_N: Floats, error_N: Floats, loss: float) -> tuple[float, float]:
    """Return the share of true gains below minus the loss, from 0 to 1, and its 95 % bound."""
    highest = gain_N.max() + STEP
    place_J = np.arange(-loss - JUST, highest, STEP)
    place_J = np.append(np.arange(-loss - JUST - STEP, LOWEST, -STEP), place_J)
    z_NJ = (gain_N[:, np.newaxis] - place_J) / error_N[:, np.newaxis]
    likelihood_NJ = np.exp(-0.5 * z_NJ**2)
    is_below_J = place_J < -loss
    most, share = _fitted(likelihood_NJ, is_below_J)
    low, high = share, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        is_likely = most - _fitted(likelihood_NJ, is_below_J, middle)[0] <= TOO_SMALL
        low, high = (middle, high) if is_likely else (low, middle)
    return share, high


def _fitted(
    likelihood_NJ: Floats, is_below_J: npt.NDArray[np.bool_], share: float | None = None
) -> tuple[float, float]:
    """Return the logarithm of the largest likelihood, and the mass below; `share` gives it."""
    weight_J = np.full(len(is_below_J), 1 / len(is_below_J))
    for _ in range(ITERATIONS):
        weight_J = weight_J * ((1 / (likelihood_NJ @ weight_J)) @ likelihood_NJ)
        weight_J /= weight_J.sum()
        if share is not None:
            below = weight_J[is_below_J].sum()
            weight_J *= np.where(is_below_J, share / below, (1 - share) / (1 - below))
    return float(np.log(likelihood_NJ @ weight_J).sum()), float(weight_J[is_below_J].sum())


# --- simulation -----------------------------------------------------------------------------------


class Truth(NamedTuple):
    """A distribution of true gains, in points."""

    share: float  # below minus the margin
    draw: Callable[[int, np.random.Generator], Floats]


def _losing(share: float, loss: float) -> Truth:
    """Return gains of 2.5 points in the mean, but for a share that loses so many."""

    def draw(num: int, rng: np.random.Generator) -> Floats:
        return np.where(rng.random(num) < share, -loss, rng.exponential(2.5, num))

    return Truth(share, draw)


TRUTHS: Mapping[str, Truth] = {
    "2.5 points gained in the mean, no loss": _losing(0, 0),
    "of these 3 % lose 0.4": _losing(0.03, 0.4),
    "5 % lose 0.4": _losing(0.05, 0.4),
    "10 % lose 0.4": _losing(0.1, 0.4),
    "5 % lose 1": _losing(0.05, 1.0),
    "10 % lose 1": _losing(0.1, 1.0),
    "5 % lose 3": _losing(0.05, 3.0),
    "all are just random": Truth(0, lambda num, _: np.zeros(num)),
    "normal, 0.5 ± 0.5": Truth(ndtr(-1.6), lambda num, rng: rng.normal(0.5, 0.5, num)),
}


def simulated(truth: Truth, error_N: Floats, rng: np.random.Generator) -> tuple[float, float]:
    """Return the estimated share of a drawn table, and its bound."""
    gain_N = rng.normal(truth.draw(len(error_N), rng), error_N)
    return share_and_bound(gain_N, error_N, MARGIN)


if __name__ == "__main__":
    main()
