"""Whatever a file holds, what reads it returns or says in one line what is wrong with it."""

import copy
import datetime
import re
import resource
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
import toy
from bad_input.damage import damaged
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from safetensors.torch import save
from shared.artifacts.test_artifacts import PAIRS, files_of
from torch import nn

from stages.shared import artifacts
from stages.shared.artifacts.weights import load_weights
from stages.shared.errors import ArtifactError, ParamsError
from stages.shared.settings.params import check_params, load_params

# The folder is made once; every example writes all of it anew.
in_one_folder = {
    "deadline": None,
    # What fails is small already, and some of it takes minutes to make smaller.
    "phases": [Phase.explicit, Phase.reuse, Phase.generate],
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


def require_line(error: Exception, path: Path) -> None:
    """Require one line that names the file and says what is allowed."""
    assert re.fullmatch(rf"{re.escape(str(path))}[^\n\r]+; [^\n\r]+", str(error))


# --- params.yaml ----------------------------------------------------------------------------------

hostile = st.sampled_from(
    [
        *(None, True, False, 0, -1, 1, 2, 10**30, -0.0, 0.5, 1.0, 1e300, float("nan")),
        *(float("inf"), "", "0.5", "scratch", "selected-", "a\nb", "\ud800", "\0", b"bytes"),
        *([], {}, [[]], {"": None}, {1: 2}, {None: []}, datetime.date(2026, 11, 26), {"a"}, (1,)),
        *(1 << 20_000, [1 << 20_000], "x" * 10_000, ["x"] * 1000),
    ]
)


def places(content: Any) -> list[tuple[Any, Any]]:
    """Return every place of the content: a section or list, and a key or index in it."""
    keys = content if isinstance(content, dict) else range(len(content))
    found = [(content, key) for key in keys]
    for key in keys:
        if isinstance(content[key], dict | list):
            found += places(content[key])
    return found


def change(content: Any, data: st.DataObject) -> None:
    """Replace, delete or insert something at a place of the content."""
    found = places(content)
    if not found:
        return
    section, key = found[data.draw(st.integers(0, len(found) - 1))]
    value = copy.deepcopy(data.draw(hostile))  # the next change may be within it
    what = data.draw(st.sampled_from(["replace", "replace", "replace", "delete", "insert"]))
    if what == "delete":
        del section[key]
    elif what == "replace":
        section[key] = value
    elif isinstance(section, list):
        section.insert(key, value)
    else:
        section[data.draw(st.sampled_from(["more", "", 0, None, 0.5]))] = value


@settings(max_examples=150, **in_one_folder)
@given(st.data())
def test_params_with_anything_changed_are_allowed_or_one_line(data):
    content = toy.default_params()
    for _ in range(data.draw(st.integers(1, 3))):
        change(content, data)
    try:
        check_params(content)
    except ParamsError as error:
        require_line(error, Path("params.yaml"))


def test_a_key_with_more_digits_than_can_be_told_is_one_line():
    content = toy.default_params() | {"acquisition": {1 << 20_000: "margin"}}
    with pytest.raises(ParamsError) as caught:
        check_params(content)
    require_line(caught.value, Path("params.yaml"))


@pytest.mark.parametrize("section", ["optimizer", "schedule"])
@pytest.mark.parametrize("name", [1 << 20_000, [[1 << 20_000]]], ids=["number", "list"])
def test_a_name_of_more_digits_than_can_be_told_is_one_line(section, name):
    content = toy.default_params()
    content["train_ensemble"][section]["name"] = name
    said = f"train_ensemble.{section}.name is 'a number of thousands of digits'; choose one of "
    with pytest.raises(ParamsError, match=said):
        check_params(content)


@settings(max_examples=40, **in_one_folder)
@given(content=damaged(toy.DEFAULT.read_bytes()))
def test_a_damaged_params_yaml_is_allowed_or_one_line(tmp_path, content):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    try:
        load_params(path)
    except ParamsError as error:
        require_line(error, path)


# --- artifacts ------------------------------------------------------------------------------------


@cache
def written(name: str) -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        PAIRS[name].save(Path(folder), PAIRS[name].content)
        return files_of(Path(folder))


@pytest.mark.parametrize("name", PAIRS)
@settings(max_examples=15, **in_one_folder)
@given(data=st.data())
def test_a_damaged_artifact_is_read_or_named(tmp_path, name, data):
    for path, content in written(name).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    path = data.draw(st.sampled_from(sorted(written(name))))
    (tmp_path / path).write_bytes(data.draw(damaged(written(name)[path])))
    try:
        PAIRS[name].load(tmp_path)
    except ArtifactError as error:
        require_line(error, tmp_path)


@settings(max_examples=100, **in_one_folder)
@given(content=damaged(save(nn.Linear(2, 3).state_dict())))
def test_damaged_weights_are_read_or_named_and_a_refused_file_changes_no_model(tmp_path, content):
    path = tmp_path / "epoch-0001.safetensors"
    path.write_bytes(content)
    model = nn.Linear(2, 3)
    before = copy.deepcopy(model.state_dict())
    try:
        load_weights(path, model)
    except ArtifactError as error:
        require_line(error, path)
        assert all(torch.equal(before[name], found) for name, found in model.state_dict().items())


# --- memory ---------------------------------------------------------------------------------------


def most_megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@pytest.mark.parametrize("shape", [(10**15,), (10**9, 10**6), (2**62, 4), (-1,)], ids=str)
def test_an_array_that_claims_to_be_huge_takes_no_memory(tmp_path, shape):
    path = tmp_path / "a.npy"
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
    before = most_megabytes()
    with pytest.raises(ArtifactError, match="cannot be read") as raised:
        artifacts.load_array(path, np.float64, (None,) * len(shape))
    require_line(raised.value, path)
    assert most_megabytes() - before < 20


@pytest.mark.parametrize(
    "content",
    [
        (2**62).to_bytes(8, "little") + b"{}",
        (66).to_bytes(8, "little")
        + b'{"weight":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4]}}'[:66],
        (75).to_bytes(8, "little")
        + b'{"weight":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4000000000]}}',
    ],
    ids=["header", "shape", "offsets"],
)
def test_weights_that_claim_to_be_huge_take_no_memory(tmp_path, content):
    path = tmp_path / "epoch-0001.safetensors"
    path.write_bytes(content)
    before = most_megabytes()
    with pytest.raises(ArtifactError, match="cannot be read") as raised:
        load_weights(path, nn.Linear(2, 3))
    require_line(raised.value, path)
    assert most_megabytes() - before < 20
