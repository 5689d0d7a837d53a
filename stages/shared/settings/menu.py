"""Acquisition functions and selection rules that params.yaml may name: files of their stages.

The folder that a file lies in says what it needs. Names are read here, and nothing is imported.
"""

from pathlib import Path

STAGES = Path(__file__).parent.parent.parent


def _names(menu: str, needs: str = "*") -> tuple[str, ...]:
    files = (STAGES / menu).glob(f"{needs}/[!_]*.py")
    return tuple(sorted(path.stem for path in files))


ACQUISITIONS = _names("score/acquisition")
NEED_TWO_VOTERS = _names("score/acquisition", "needs_two_voters")
NEED_DYNAMICS = _names("score/acquisition", "needs_dynamics")
NEED_GRADIENT_NORM = _names("score/acquisition", "needs_gradient_norm")
RULES = _names("select/rules")
NEED_FEATURES = _names("select/rules", "needs_features")
NEED_LABELS = _names("select/rules", "needs_labels")
