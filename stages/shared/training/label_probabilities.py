"""How sure training is of each sample's label from one draw to the next: DUAL.

Shapes: R distinct samples of the subset, B batch, J draws of a window.
"""

import torch
from torch import Tensor

from stages.shared.training.state import State

WINDOW = 10  # draws, J in Cho et al. 2025


class LabelProbabilities:
    """The mean of the label's probability over all draws, and its spread over some at a time.

    Per sample the last WINDOW draws are kept and no others: O(R x WINDOW), however long the
    training. Draws of a sample in one batch are one, the least sure of them.
    """

    def __init__(self, copies_R: Tensor) -> None:
        """Begin with no sample seen; `copies_R` says how many there are, and on which device."""
        self._times_R = torch.zeros_like(copies_R)
        self._sum_R = torch.zeros_like(copies_R, dtype=torch.float64)
        self._uncertainty_sum_R = torch.zeros_like(self._sum_R)
        self._least_R = torch.zeros_like(copies_R, dtype=torch.float32)  # in the batch at hand
        self._recent_JR = copies_R.new_zeros((WINDOW, len(copies_R)), dtype=torch.float32)

    def add(self, rows_B: Tensor, probability_B: Tensor) -> None:
        """Take the label's probability in a training batch; `rows_B` are places in [0, R)."""
        # A row that stands twice is written twice, each time with the same value.
        self._least_R.scatter_reduce_(0, rows_B, probability_B, "amin", include_self=False)
        least_B, times_B = self._least_R[rows_B], self._times_R[rows_B]
        self._recent_JR[times_B % WINDOW, rows_B] = least_B
        self._times_R[rows_B] = times_B + 1
        self._sum_R[rows_B] = self._sum_R[rows_B] + least_B
        uncertainty_B = _uncertainty(self._recent_JR[:, rows_B])
        is_whole_B = times_B + 1 >= WINDOW
        self._uncertainty_sum_R[rows_B] = (
            self._uncertainty_sum_R[rows_B] + uncertainty_B * is_whole_B
        )

    def mean(self, num_classes: int) -> Tensor:
        """Return the mean over the draws, float32 [R]; of a sample never drawn that of chance."""
        mean_R = self._sum_R / self._times_R
        return torch.where(self._times_R > 0, mean_R, 1 / num_classes).float()

    def dual(self) -> Tensor:
        """Return the DUAL score, float32 [R] in [0, 1).

        The mean, over all windows of WINDOW draws that follow each other, of the standard deviation
        of the label's probability (unbiased) times one minus its mean (Cho et al. 2025, arXiv
        2502.06905, eq. 3 and 4). Of fewer draws all are one window; one draw has no deviation.
        """
        dual_R = self._uncertainty_sum_R / (self._times_R - WINDOW + 1).clamp(min=1)
        for times in range(2, WINDOW):
            few = (self._times_R == times).nonzero().squeeze(1)
            if len(few):  # of nothing torch warns
                dual_R[few] = _uncertainty(self._recent_JR[:times, few]).double()
        return dual_R.float()

    def running(self) -> State:
        """Return what each batch changes in place, and the next needs."""
        return {
            "times": self._times_R,
            "probability_sum": self._sum_R,
            "uncertainty_sum": self._uncertainty_sum_R,
            "recent_probabilities": self._recent_JR,
        }


def _uncertainty(window_JB: Tensor) -> Tensor:
    deviation_B, mean_B = torch.std_mean(window_JB, dim=0)
    return deviation_B * (1 - mean_B)
