"""What training shows of each sample: forgetting, margins, errors, probabilities of its label.

Shapes: R distinct samples of the subset, S sampled ones of them, B batch, C classes,
E epochs.
"""

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stages.shared import artifacts, tasks
from stages.shared.artifacts import Checkpoint, Dynamics, Ints
from stages.shared.networks.one_label import Classification, labelled
from stages.shared.samples.randomness import permutation_by_id
from stages.shared.training.job import Job
from stages.shared.training.label_probabilities import LabelProbabilities
from stages.shared.training.state import State, joined, part_of

NUM_SAMPLED = 10_000  # the standard error of a correlation is then 0.01 at most


class Recorder:
    """Forgetting events, margin, error length and label's probability of each of the subset.

    It looks at the training batches as they are seen: in training mode, augmented. A batch costs
    a few operations on its device and waits for none of them.

    A sample that stands in the subset more than once is one sample whose draws follow each other
    by batch. Draws of it in one batch all see the state before that batch, and the worst of them
    is the state after it.
    """

    def __init__(
        self,
        task: Classification,
        copies_R: Tensor,
        place_S: Tensor,
        num_classes: int,
        el2n_epoch: int,
    ) -> None:
        """Begin with no sample seen; `copies_R` (int64) is how often each is drawn in an epoch.

        `place_S` (int64, in [0, R)) are the samples whose events are noted epoch by epoch.
        """
        self._task = task
        self._copies_R = copies_R
        self._place_S = place_S
        self._num_classes = num_classes
        self._el2n_epoch = el2n_epoch
        self._probabilities = LabelProbabilities(copies_R)
        self._draws_R = torch.zeros_like(copies_R)
        self._times_right_R = torch.zeros_like(copies_R)
        self._events_R = torch.zeros_like(copies_R)
        self._was_right_R = torch.zeros_like(copies_R)
        self._margin_sum_R = torch.zeros_like(copies_R, dtype=torch.float64)
        # Of equal logits: what is known of a sample that a very short training never comes to.
        self._error_R = torch.full_like(
            copies_R, math.sqrt(1 - 1 / num_classes), dtype=torch.float32
        )
        self._noted_S: dict[int, Tensor] = {}  # by epoch

    @torch.no_grad()
    def add(self, epoch: int, rows_B: Tensor, logits_BC: Tensor, targets_B: Tensor) -> None:
        """Take a training batch of an epoch (from 1); `rows_B` are places in [0, R)."""
        right_B = self._task.is_right(logits_BC, targets_B).long()
        forgotten_B = self._was_right_R[rows_B] > right_B
        margin_B = self._task.true_margin(logits_BC, targets_B)
        self._draws_R.index_add_(0, rows_B, torch.ones_like(rows_B))
        self._times_right_R.index_add_(0, rows_B, right_B)
        self._events_R.index_add_(0, rows_B, forgotten_B.long())
        self._margin_sum_R.index_add_(0, rows_B, margin_B.double())
        self._was_right_R.scatter_reduce_(0, rows_B, right_B, "amin", include_self=False)
        self._probabilities.add(rows_B, self._task.label_probability(logits_BC, targets_B))
        if epoch <= self._el2n_epoch:
            error_B = self._task.error_length(logits_BC, targets_B)
            self._error_R.scatter_reduce_(0, rows_B, error_B, "amax", include_self=False)

    def end_epoch(self, epoch: int, kept: Collection[int]) -> None:
        """Note the events up to here where the epoch is kept; drop those of epochs no longer kept.

        `kept` names no epoch after this one, and each of them in its turn.
        """
        self._probabilities.end_epoch()
        noted_S = {**self._noted_S, epoch: self._events(epoch)[self._place_S]}
        self._noted_S = {number: noted_S[number] for number in kept}

    def finish(self, row_R: Ints, num_epochs: int, kept: Sequence[Checkpoint]) -> Dynamics:
        """Return the dynamics of this one member (M = 1) after so many epochs.

        Forgetting events are those of Coleman et al. 2020, Algorithm 2 (arXiv 1906.11829), which
        makes them infinite for a sample that was never right. Here it has one for each draw of the
        epochs, a cut last one counted whole, which no count reaches. AUM is the mean over its draws
        of the true logit minus the largest other (Pleiss et al. 2020, arXiv 2001.10528). EL2N is
        the length of probabilities minus one-hot label (Paul et al. 2021, arXiv 2107.07075) when
        the sample was last drawn up to the end of epoch `el2n_epoch`.
        """
        noted_ES = torch.stack([self._noted_S[checkpoint.epoch] for checkpoint in kept])
        aum_R = self._margin_sum_R / self._draws_R.clamp(min=1)
        return Dynamics(
            row_R=row_R,
            sampled_S=row_R[self._place_S.cpu().numpy()],
            forgetting_events_MR=self._events(num_epochs).cpu().numpy()[None],
            aum_MR=aum_R.float().cpu().numpy()[None],
            el2n_MR=self._error_R.cpu().numpy()[None],
            label_probability_MR=self._probabilities.mean(self._num_classes).cpu().numpy()[None],
            dual_MR=self._probabilities.dual().cpu().numpy()[None],
            kept_member_E=np.array([checkpoint.member for checkpoint in kept]),
            kept_epoch_E=np.array([checkpoint.epoch for checkpoint in kept]),
            kept_events_ES=noted_ES.cpu().numpy(),
        )

    def state(self) -> State:
        """Return what each sample has shown so far."""
        noted = {str(epoch): tensor for epoch, tensor in self._noted_S.items()}
        return joined({"running": self._running(), "noted": noted})

    def restore(self, state: State) -> None:
        """Go on from there."""
        for name, tensor in self._running().items():
            tensor.copy_(state[f"running/{name}"])
        self._noted_S = {
            int(epoch): tensor.to(self._copies_R.device)
            for epoch, tensor in part_of(state, "noted").items()
        }

    def _running(self) -> State:
        """Return what each batch changes in place."""
        return {
            "draws": self._draws_R,
            "times_right": self._times_right_R,
            "events": self._events_R,
            "was_right": self._was_right_R,
            "margin_sum": self._margin_sum_R,
            "error": self._error_R,
            **self._probabilities.running(),
        }

    def _events(self, num_epochs: int) -> Tensor:
        """Return the forgetting events after so many epochs, int32 [R]."""
        most_R = self._copies_R * num_epochs
        never_right_R = (self._times_right_R == 0) & (self._draws_R > 0)
        return torch.where(never_right_R, most_R, self._events_R).int()


def recorder_of(job: Job, row_R: Ints, copies_R: Tensor) -> "Recorder | NoRecorder":
    """Return what records a training on these rows of the train split, drawn so often each."""
    if not tasks.rules(job.task).has_labels:
        return NoRecorder()
    place_S = torch.from_numpy(np.searchsorted(row_R, sampled_rows(job))).to(copies_R.device)
    num_classes = job.meta.num_classes
    return Recorder(
        labelled(tasks.load(job.task)), copies_R, place_S, num_classes, job.settings.el2n_epoch
    )


class NoRecorder:
    """In the place of a recorder where samples have no single label that could be forgotten."""

    def add(self, epoch: int, rows_B: Tensor, outputs_B: Tensor, targets_B: Any) -> None:
        """Take a training batch."""

    def end_epoch(self, epoch: int, kept: Collection[int]) -> None:
        """Note nothing."""

    def finish(self, row_R: Ints, num_epochs: int, kept: Sequence[Checkpoint]) -> Dynamics:
        """Return dynamics of no sample."""
        del row_R, num_epochs, kept
        return artifacts.no_dynamics()

    def state(self) -> State:
        """Return nothing."""
        return {}

    def restore(self, state: State) -> None:
        """Go on."""


def sampled_rows(job: Job) -> Ints:
    """Return the rows of the train split whose forgetting events to note after kept epochs."""
    return random_rows(job, "forgetting by epoch", NUM_SAMPLED)


def random_rows(job: Job, purpose: str, most: int) -> Ints:
    """Return random rows of the subset, rising.

    The same for all members; a subset that grew keeps those of its samples that come first.
    """
    sample_ids = artifacts.load_sample_ids(job.prepared, "train")
    order_N = permutation_by_id(sample_ids, job.random_seed, purpose)
    return np.sort(order_N[np.isin(order_N, job.index_P)][:most])
