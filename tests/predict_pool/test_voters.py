"""Who votes: the five ensembles of Chitta et al. 2020, Tables II and III, from one training."""

import pytest

from stages.predict_pool import voters
from stages.shared.artifacts import Checkpoint, Ensemble
from stages.shared.errors import ArtifactError
from stages.shared.settings.sections import Voters

LAST = 150
# The best epoch of each of five members, and its validation accuracy; members 1 and 3 are equal.
BEST = [(97, 0.70), (149, 0.72), (150, 0.71), (131, 0.72), (140, 0.60)]


def checkpoints_of(member, best, accuracy, last=LAST):
    """Return the last 21 epochs of a member and its best one, which may be among them."""
    epochs = {best, *range(last - 20, last + 1)}
    return [
        Checkpoint(
            member=member,
            epoch=epoch,
            validation_accuracy=accuracy if epoch == best else 0.5,
            is_best=epoch == best,
            is_last=epoch > last - 21,
        )
        for epoch in sorted(epochs)
    ]


def ensemble_of(checkpoints):
    return Ensemble("resnet18", 1000, [224, 224, 3], checkpoints)


ENSEMBLE = ensemble_of(
    [entry for member, best in enumerate(BEST) for entry in checkpoints_of(member, *best)]
)


def chosen(members, checkpoints, count=1, stride=1, ensemble=ENSEMBLE):
    settings = Voters(members=members, checkpoints=checkpoints, count=count, stride=stride)
    return [(entry.member, entry.epoch) for entry in voters.choose(ensemble, settings)]


def test_single_is_the_best_epoch_of_the_best_member():
    assert chosen("best", "best") == [(1, 149)]


def test_seeds_5_are_the_best_epoch_of_each_member():
    assert chosen("all", "best") == [(0, 97), (1, 149), (2, 150), (3, 131), (4, 140)]


def test_checkpoints_5_are_every_fifth_epoch_of_the_best_member_counted_from_the_last():
    expected = [(1, epoch) for epoch in (130, 135, 140, 145, 150)]
    assert chosen("best", "last", count=5, stride=5) == expected


def test_checkpoints_20_are_the_last_epochs_of_the_best_member():
    assert chosen("best", "last", count=20) == [(1, epoch) for epoch in range(131, 151)]


def test_combined_100_are_the_last_epochs_of_every_member():
    assert chosen("all", "last", count=20) == [
        (member, epoch) for member in range(5) for epoch in range(131, 151)
    ]


def test_of_equally_good_members_the_first_is_the_best():
    equal = [entry for member in (0, 1) for entry in checkpoints_of(member, 150, 0.7)]
    assert chosen("best", "best", ensemble=ensemble_of(equal)) == [(0, 150)]
    assert chosen("best", "best", ensemble=ensemble_of(equal[::-1])) == [(0, 150)]


def test_voters_stand_by_member_and_epoch_whatever_the_order_of_the_file():
    turned = ensemble_of(ENSEMBLE.checkpoints[::-1])
    for setting in (("all", "best"), ("all", "last", 5, 5), ("best", "last", 20, 1)):
        assert chosen(*setting, ensemble=turned) == chosen(*setting)


def test_members_that_ended_at_different_epochs_count_back_from_their_own_last():
    """As under the plateau schedule."""
    ended = [*checkpoints_of(0, 150, 0.7), *checkpoints_of(1, 90, 0.6, last=90)]
    assert chosen("all", "last", 2, 10, ensemble_of(ended)) == [
        (0, 140),
        (0, 150),
        (1, 80),
        (1, 90),
    ]


def test_the_best_epoch_is_no_last_one_unless_it_is_among_the_last():
    kept = [entry for entry in checkpoints_of(0, 97, 0.7) if entry.epoch in (97, 150)]
    assert chosen("all", "last", ensemble=ensemble_of(kept)) == [(0, 150)]


def test_a_voter_that_was_not_kept_is_named():
    message = (
        r"^member 0 has no checkpoint of epoch 125; it has 130, 131, .*, 150: it trained too few "
        r"epochs for predict_pool\.voters$"
    )
    with pytest.raises(ArtifactError, match=message):
        chosen("all", "last", count=6, stride=5)
