"""Tests for stages/shared/engine.py: on which device."""

import pytest

from stages.shared import engine
from stages.shared.errors import ParamsError


@pytest.mark.parametrize(("wanted", "expected"), [("cpu", False), ("cuda", True), ("tpu", True)])
def test_what_is_asked_for_by_name_is_looked_for_with_torch(wanted, expected, monkeypatch):
    monkeypatch.setenv("SUBSET_DEVICE", wanted)
    assert engine.has_gpu() is expected


def test_a_device_that_is_unknown_or_not_there_is_refused(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setenv("SUBSET_DEVICE", "tpu")
    with pytest.raises(ParamsError, match="is 'tpu'; choose one of auto, cpu, cuda"):
        engine.device_name()
    monkeypatch.setenv("SUBSET_DEVICE", "cuda")
    with pytest.raises(ParamsError, match="torch finds no GPU"):
        engine.device_name()
