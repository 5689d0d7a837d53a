"""How sure training is of each sample's label from one epoch to the next: DUAL.

Shapes: R distinct samples of the subset, B batch, J epochs of a window, A samples of an epoch.
"""

import torch
from torch import Tensor

from stages.shared.training.state import State

WINDOW = 10  # epochs, J in Cho et al. 2025


class LabelProbabilities:
    """The mean of the label's probability over all epochs, and its spread over some at a time.

    Of a sample that is drawn more than once in an epoch the least sure draw counts. The last WINDOW
    epochs are kept and no others: O(R x WINDOW), however long the training.
    """

    def __init__(self, copies_R: Tensor) -> None:
        """Begin with no sample seen; `copies_R` says how many there are, and on which device."""
        self._least_R = torch.full_like(copies_R, torch.inf, dtype=torch.float32)  # this epoch
        self._times_R = torch.zeros_like(copies_R)
        self._sum_R = torch.zeros_like(copies_R, dtype=torch.float64)
        self._dual_sum_R = torch.zeros_like(self._sum_R)
        self._recent_JR = copies_R.new_zeros((WINDOW, len(copies_R)), dtype=torch.float32)

    def add(self, rows_B: Tensor, probability_B: Tensor) -> None:
        """Take the label's probability in a training batch; `rows_B` are places in [0, R)."""
        self._least_R.scatter_reduce_(0, rows_B, probability_B, "amin")

    def end_epoch(self) -> None:
        """Count the epoch for the samples that were drawn in it."""
        row_A = self._least_R.isfinite().nonzero().squeeze(1)
        self._recent_JR[self._times_R[row_A] % WINDOW, row_A] = self._least_R[row_A]
        self._sum_R[row_A] += self._least_R[row_A]
        self._times_R[row_A] += 1
        whole_A = row_A[self._times_R[row_A] >= WINDOW]
        self._dual_sum_R[whole_A] += _dual(self._recent_JR[:, whole_A])
        self._least_R.fill_(torch.inf)

    def mean(self, num_classes: int) -> Tensor:
        """Return the mean over the epochs, float32 [R]; of a sample never drawn that of chance."""
        mean_R = self._sum_R / self._times_R
        return torch.where(self._times_R > 0, mean_R, 1 / num_classes).float()

    def dual(self) -> Tensor:
        """Return the DUAL score, float32 [R] in [0, 1).

        The mean, over all windows of WINDOW epochs that follow each other, of the standard
        deviation of the label's probability (unbiased) times one minus its mean (Cho et al. 2025,
        arXiv 2502.06905, eq. 3 and 4). Fewer epochs are one window; one has no deviation.
        """
        dual_R = self._dual_sum_R / (self._times_R - WINDOW + 1).clamp(min=1)
        for times in range(2, WINDOW):
            few_A = (self._times_R == times).nonzero().squeeze(1)
            dual_R[few_A] = _dual(self._recent_JR[:times, few_A]).double()
        return dual_R.float()

    def running(self) -> State:
        """Return what the epochs so far have left."""
        return {
            "times": self._times_R,
            "probability_sum": self._sum_R,
            "dual_sum": self._dual_sum_R,
            "recent_probabilities": self._recent_JR,
        }


def _dual(window_JA: Tensor) -> Tensor:
    """Return deviation x (1 - mean) of each column [A]."""
    if not window_JA.numel():  # of nothing torch warns
        return window_JA[0]
    deviation_A, mean_A = torch.std_mean(window_JA, dim=0)
    return deviation_A * (1 - mean_A)
