"""How tests are spread over processes: by files, but for a few; what takes longest begins first.

pytest-xdist itself begins with the files of most tests, and one of few that take long ends alone.
"""

import re

import pytest
from xdist.scheduler import LoadFileScheduling

# Beginnings of the names of tests, in the order in which they begin. All others follow.
LONGEST = (
    "tests/test_pipeline.py::test_a_second_run",  # makes what others copy
    "tests/test_faults.py",
    "tests/test_cluster.py",
    "tests/race/test_repro.py",
    "tests/test_bench_pipeline.py",
    "tests/test_readme.py",
    "tests/test_listing.py",
    "tests/commands/compare/test_main.py",
    "tests/report/test_real_trainings.py",
    "tests/test_presets.py",
    "tests/test_ordinary_places.py",
    "tests/test_draws.py",
    "tests/test_storage.py",
    "tests/shared/models/test_image_classification.py",
    "tests/select/test_rules.py",
    "tests/race/test_main.py",
    "tests/report/",
)
SHORT = "tests/test_pipeline.py"  # of many parts, which even out at the end what others leave
BY_TEST = ("tests/test_pipeline.py", "tests/test_readme.py")
BY_PRESET = "tests/test_presets.py"
# What is in one process, since it takes seconds to import torchmetrics, or to draw a report.
TOGETHER = {
    "detectors": ("tests/evaluate/", "tests/race/test_judged.py", f"{BY_PRESET}[detection_cpu]"),
    "reported": tuple(f"tests/report/test_{name}.py" for name in ("charts", "main", "page")),
}


class Spread(LoadFileScheduling):
    """Files as a whole, but for those whose tests share nothing that takes long."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file in BY_TEST:
            return nodeid
        preset = re.search(r"\[(\w+)", nodeid) if file == BY_PRESET else None
        scope = f"{file}[{preset[1]}]" if preset else file
        return next((name for name, of in TOGETHER.items() if scope.startswith(of)), scope)


def _place(item: pytest.Item) -> int:
    places = (place for place, name in enumerate(LONGEST) if item.nodeid.startswith(name))
    return next(places, len(LONGEST) + item.nodeid.startswith(SHORT))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return Spread(config, log)


def pytest_collection_modifyitems(items):
    items.sort(key=_place)
