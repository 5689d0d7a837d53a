"""The series of selection rules on digits: its settings are valid, and its table is by hand."""

from pathlib import Path

import pytest

from benchmarks import clones
from benchmarks.rules_on_digits import RULES, table
from commands.preset import presets
from stages.shared.settings.params import load_params


def rows(rule, *tests):
    return [
        {"scheme": "grow", "budget": "0.05", "rule": rule, "seed": str(seed), "test": test}
        for seed, test in enumerate(tests)
    ]


@pytest.mark.parametrize("name", RULES)
def test_what_a_rule_changes_is_valid(name, tmp_path):
    acquisition, changes = RULES[name]
    common = [f"acquisition={acquisition}", "predict_pool.signals=[features]"]
    params = Path(tmp_path / "params.yaml")
    params.write_text(clones.changed(presets.text("digits"), [*common, *changes]))
    assert load_params(params).select.rule in changes[0]


def test_differences_are_taken_seed_by_seed():
    # 1, 2 and 3 points: a mean of 2, and a standard error of 1 / sqrt 3.
    found = table([*rows("random", "90", "91", "95"), *rows("top", "91", "93", "98")])
    assert found.splitlines()[2:] == ["| random | 92.00 |", "| top | +2.00 ± 0.58 |"]
