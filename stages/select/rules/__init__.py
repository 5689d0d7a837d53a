"""Selection rules: in which order a round prefers its candidates.

Each is a file, whose function `order` takes what competes and returns the positions of the
candidates in order of preference, int64; a costly one ends where nobody asks further. The folder
that it lies in says what it needs; params.yaml names the file, and nothing else has to.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from stages.select.rules.candidates import Candidates as Candidates
from stages.shared.artifacts import Ints

_NEEDS = {path.stem: path.parent.name for path in Path(__file__).parent.glob("*/[!_]*.py")}

RULES: dict[str, Callable[[Candidates], Ints]] = {
    name: import_module(f"{__name__}.{need}.{name}").order for name, need in sorted(_NEEDS.items())
}
