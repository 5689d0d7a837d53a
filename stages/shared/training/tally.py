"""Loss and accuracy of an epoch, added up batch by batch on the device."""

import torch
from torch import Tensor


class Tally:
    """Mean loss and accuracy over some batches; nothing waits for the device before the end."""

    def __init__(self, device: torch.device) -> None:
        self._loss_sum = torch.zeros((), dtype=torch.float64, device=device)
        self._right_and_all = torch.zeros(2, dtype=torch.int64, device=device)
        self._num = 0

    def add(self, loss: Tensor, right_and_all: Tensor, num: int) -> None:
        """Take the mean loss of so many samples, and what is right of what there is."""
        self._loss_sum += loss * num
        self._right_and_all += right_and_all
        self._num += num

    def means(self) -> tuple[float, float]:
        """Return the mean loss of a sample and the accuracy, 0 where there is nothing."""
        right, all_ = self._right_and_all.tolist()
        return float(self._loss_sum) / self._num, right / max(all_, 1)
