"""What a person sees while a stage works: one line on a terminal, a line now and then in a log.

    stage 9/21 train_ensemble, round 2/3, member 3/8:  41% ##    00:14 left, run about 2 min,
    validation 93.1 %, loss 0.723, accuracy 89.5 %, epoch 9, 1.31k images/s

Which stage of at most how many it is; how much of it is done and how long the rest of it will take;
what the whole run still takes at most, where an earlier run tells; what is known of the work, cut
to the terminal.

DVCLive is not used: it would import DVC in the parent of each training, and its curves are seen
only through a dvc.yaml that it writes into the pipeline while that runs. Curves of all members are
plots after the stage.
"""

import math
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Self, TypeVar

from tqdm import tqdm

import stages
from stages.shared.artifacts import Epoch
from stages.shared.errors import ParamsError
from stages.shared.running import whole_run
from stages.shared.settings.params import Params, load_params

COLUMNS, ROWS = 100, 24  # of a terminal that does not say how many it has
SECONDS_BETWEEN_LINES = 30.0  # in a log: hours of training are a few hundred lines
LINE = "{desc}: {percentage:3.0f}% {bar:5} {remaining} left{postfix}, {rate_noinv_fmt}"
AT_ONCE = 1e-9  # seconds: as soon as something is done, for before that there is nothing to say

Part = TypeVar("Part")
_draw = ""  # of several draws the one that is worked on


class Progress:
    """The line of one stage. It counts what the stage works through: images, or texts."""

    def __init__(self, total: int = 0, *, part: str = "", stays: bool = True) -> None:
        """Begin with nothing of `total` done; it may be set later.

        `part` names what of the stage is done where that is not all. A line that does not stay
        makes room for the next of its stage.
        """
        params, stage = _params_of(Path.cwd()), os.environ.get("DVC_STAGE", "work")
        self._place = _place_of(stage, Path.cwd())
        number = f"stage {self._place.number}/{self._place.most} " if self._place else ""
        self._name = ", ".join(filter(None, [number + stage_in_words(stage, params), _draw, part]))
        self._is_terminal = sys.stderr.isatty()
        has_size = _has_size()
        self._printed = time.monotonic()
        self.bar = tqdm(
            desc=self._name,
            total=total,
            leave=stays,
            unit=f" {params.rules.inputs if params else 'samples'}",
            unit_scale=True,
            bar_format=LINE,
            ascii=True,
            delay=AT_ONCE,
            smoothing=0,  # members report in bursts: the mean rate tells when all will be done
            dynamic_ncols=has_size,  # cut to the terminal: a line that wraps is two
            ncols=None if has_size else COLUMNS,
            nrows=None if has_size else ROWS,
            file=sys.stderr if self._is_terminal else _Nowhere(),
        )

    def __enter__(self) -> Self:
        """Show the line."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the line as it stands."""
        self.bar.close()

    def add(self, num: int, *, where: str = "", what: str = "") -> None:
        """Show that so many more are done; `where` the work is now, and `what` is known of it."""
        self.bar.set_description_str(", ".join(filter(None, [self._name, where])), refresh=False)
        is_first = not self.bar.n
        known = filter(None, [self._of_run(self.bar.n + num), what])
        self.bar.set_postfix_str(", ".join(known), refresh=False)
        self.bar.update(num)
        if is_first:  # tqdm would wait a while
            self.bar.refresh()
        now = time.monotonic()
        if not self._is_terminal and now - self._printed > SECONDS_BETWEEN_LINES:
            self._printed = now
            sys.stderr.write(f"{self.bar}\n")

    def _of_run(self, done: int) -> str:
        """Say what the whole run still takes; nothing where that is not known."""
        if self._place is None or not done or not self.bar.total:
            return ""
        of_stage = self.bar.format_dict["elapsed"] * (self.bar.total / done - 1)
        elapsed = time.perf_counter() - stages.STARTED
        left = self._place.seconds_left(elapsed, of_stage)
        return "" if math.isnan(left) else f"run about {whole_run.in_time(left)}"


def shown(parts: Iterable[tuple[int, Part]], total: int, where: str) -> Iterator[Part]:
    """Yield each part of some work, given with its size, and show how much of `total` is done."""
    with Progress(total, stays=False) as progress:
        for num, part in parts:
            yield part
            progress.add(num, where=where)


def draws(params: Params) -> Iterator[Params]:
    """Yield the parameters of each draw, which the lines of meanwhile name."""
    global _draw
    for number, draw in enumerate(params.draws, 1):
        _draw = f"draw {number}/{params.random_seeds}" if params.random_seeds > 1 else ""
        yield draw
    _draw = ""


class MemberProgress:
    """The line of a stage that trains members, which are begun in their order."""

    def __init__(self, num_members: int, part: str = "") -> None:
        self._num_members = num_members
        self._images: dict[int, int] = {}  # that each member has drawn so far
        self._images_before = 0  # of members that went on from a saved state
        self._from_start: set[int] = set()
        self._begun_at: float | None = None  # when the first began
        self._progress = Progress(part=part)

    def __enter__(self) -> Self:
        """Show the line."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the line as it stands."""
        self._progress.bar.close()

    @property
    def num_started(self) -> int:
        """How many members were trained from the start: others were finished, or half so."""
        return len(self._from_start)

    @property
    def seconds(self) -> float:
        """How long members have been trained; 0 where all were finished."""
        return 0.0 if self._begun_at is None else time.perf_counter() - self._begun_at

    def update(self, member: int, event: tuple[Epoch, int | None] | None) -> None:
        """Show a member's epoch; `event` holds it and the images of the whole training.

        With the first event of a member its clock starts: None, or the epoch that it goes on from
        without that number. A member whose process was lost begins again.
        """
        epoch, images = event or (None, None)
        if epoch is None or images is None:
            self._begin(member, epoch.images_seen if epoch else 0)
            return
        last = max(self._images)
        num_found = last + 1 - len(self._images)  # those before it that have not begun
        to_train = images * (self._num_members - num_found) - self._images_before
        self._progress.bar.total = to_train
        done = epoch.images_seen - self._images[member]
        self._images[member] = epoch.images_seen
        self._progress.add(
            done, where=f"member {last + 1}/{self._num_members}", what=_describe(epoch)
        )

    def _begin(self, member: int, images_seen: int) -> None:
        if not self._images:
            self._begun_at = time.perf_counter()
            bar = self._progress.bar
            bar.start_t = bar.last_print_t = time.time()  # the rate is that of training
        if member in self._images:
            self._progress.bar.update(images_seen - self._images[member])
        else:
            self._images_before += images_seen
            self._from_start |= {member} if images_seen == 0 else set()
        self._images[member] = images_seen


def stage_in_words(stage: str, params: Params | None) -> str:
    """Return the name that DVC gives a stage, its round as one of how many."""
    found = re.fullmatch(r"(.+)@round(\d+)", stage)
    if found is None or params is None:
        return stage
    return f"{found[1]}, round {int(found[2]) + 1}/{len(params.rounds)}"


@cache
def _place_of(stage: str, folder: Path) -> whole_run.Place | None:
    """Return the place of a stage in the run of the working folder, worked out once."""
    del folder
    return whole_run.place_of(stage)


def _has_size() -> bool:
    """Return whether the terminal has a size: one without would be shown an empty line."""
    try:
        return all(os.get_terminal_size(sys.stderr.fileno()))
    except OSError:
        return True  # no terminal, so there is nothing to cut


@cache
def _params_of(folder: Path) -> Params | None:
    """Return what the stage runs with, read once; None where there is nothing to read."""
    del folder  # the working one
    try:
        return load_params()
    except ParamsError:
        return None


class _Nowhere:
    """Takes what a bar draws where no terminal shows it."""

    def write(self, text: str) -> None:
        """Drop the text."""

    def flush(self) -> None:
        """Do nothing."""


def _describe(epoch: Epoch) -> str:
    accuracy = epoch.validation_accuracy
    validated = "" if accuracy is None else f"validation {100 * accuracy:.1f} %, "
    return (
        f"{validated}loss {epoch.train_loss:.3f}, "
        f"accuracy {100 * epoch.train_accuracy:.1f} %, epoch {epoch.epoch}"
    )
