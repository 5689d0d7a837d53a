"""Tests for stages/shared/networks/determinism.py: what torch is told, and when."""

import os

import pytest
import torch

from stages.shared.errors import TrainingError
from stages.shared.networks.determinism import deterministic

cudnn = torch.backends.cudnn


def what_is_set() -> tuple[bool, bool, bool, str | None]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        cudnn.deterministic,
        cudnn.benchmark,
        os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
    )


@pytest.fixture(autouse=True)
def workspace(monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")  # so that it is put back after the test
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")


@pytest.mark.parametrize(("is_wanted", "device"), [(False, "cuda"), (True, "cpu"), (False, "cpu")])
def test_nothing_is_set_unless_it_is_wanted_and_on_a_gpu(is_wanted, device):
    before = what_is_set()

    with deterministic(is_wanted, device):
        assert what_is_set() == before


def test_on_a_gpu_only_deterministic_operations_are_allowed_and_afterwards_all_are_again(
    monkeypatch,
):
    monkeypatch.setattr(cudnn, "benchmark", True)
    before = what_is_set()

    with deterministic(True, "cuda"):
        assert what_is_set() == (True, True, False, ":4096:8")

    assert what_is_set()[:3] == before[:3] == (False, False, True)


def test_an_operation_without_a_deterministic_form_is_one_line():
    """torch's own words, of version 2.14."""
    with pytest.raises(TrainingError) as caught, deterministic(True, "cuda"):
        raise RuntimeError(
            "adaptive_avg_pool2d_backward_cuda does not have a deterministic implementation, but "
            "you set 'torch.use_deterministic_algorithms(True)'. You can turn off determinism"
        )

    assert str(caught.value) == (
        "params.yaml: deterministic is true; it must be false with this model, "
        "adaptive_avg_pool2d_backward_cuda does not have a deterministic implementation"
    )
    assert not torch.are_deterministic_algorithms_enabled()


def test_another_error_is_left_as_it_is():
    with pytest.raises(RuntimeError, match="shapes"), deterministic(True, "cuda"):
        raise RuntimeError("shapes do not fit")
