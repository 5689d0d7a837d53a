"""What fine-tuned target models start from: the weights that voted."""

import pytest
import toy

from stages.shared.artifacts import Checkpoint
from stages.shared.settings.params import Params, check_params
from stages.train_subset_model.__main__ import _first_weights

BEST = [(2, 0.9, True, False), (3, 0.5, False, False), (4, 0.8, False, True)]
BOTH = [(4, 0.9, True, True)]


def settings_of(**changes) -> Params:
    content = toy.default_params()
    content["train_subset_model"] |= changes
    return check_params(content).train_subset_model


@pytest.mark.parametrize(("initialize_with", "epochs"), [("best", (2, 4)), ("last", (4, 4))])
def test_each_member_starts_from_its_best_checkpoint_or_its_last(tmp_path, initialize_with, epochs):
    """The best need not be among the last ones that are kept."""
    checkpoints = [
        Checkpoint(member, epoch, accuracy, is_best=is_best, is_last=is_last)
        for member, of_member in enumerate((BEST, BOTH))
        for epoch, accuracy, is_best, is_last in of_member
        if is_best or is_last
    ]
    toy.write_ensemble(tmp_path, checkpoints)

    found = _first_weights(settings_of(initialize_with=initialize_with), tmp_path)

    assert found == [
        tmp_path / f"member-{member:02d}/epoch-{epoch:04d}.safetensors"
        for member, epoch in enumerate(epochs)
    ]
