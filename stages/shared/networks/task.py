"""What a task is to the training loop and to prediction.

Shapes: N samples of a split, R distinct ones of a subset, B batch, M voters. What inputs, outputs
and targets are is the task's own: of images [B, K, H, W], of a classifier's outputs [B, C].
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from stages.shared.artifacts import Ints, Meta, Split
from stages.shared.networks.batches import Samples
from stages.shared.samples.loading import Rows
from stages.shared.settings.training_sections import Training

# Of outputs and targets, the mean over the batch.
Loss = Callable[[Any, Any], Tensor]


class Task(Protocol):
    """How samples are read, what is learnt, and what prediction keeps.

    What has a body here need not be written: it is what most tasks do.
    """

    # --- samples ---

    def load_samples(
        self, prepared: Path, split: Split, device: torch.device, rows_N: Ints | None = None
    ) -> Samples:
        """Return all samples of a split, or those of the given rows, for training."""
        ...

    def load_targets(self, prepared: Path, split: Split, device: torch.device) -> Any:
        """Return the targets of a split on the device, to be indexed by rows [N]."""
        ...

    def read_batches(
        self,
        prepared: Path,
        split: Split,
        batches: Iterable[Rows],
        meta: Meta,
        device: torch.device,
    ) -> Iterator[Any]:
        """Yield the inputs of each batch of rows as a model reads them."""
        ...

    def as_inputs(self, raw_B: Any, meta: Meta, /) -> Any:
        """Return what a model reads of a batch of `load_samples`, such as normalised images."""
        ...

    def example(self, meta: Meta) -> Any:
        """Return one input without content (B = 1), to count operations with."""
        ...

    # --- training ---

    def forward(self, model: Any, inputs_B: Any, precision: str, /) -> tuple[Tensor | None, Tensor]:
        """Return the last layer's inputs [B, D] or None, and the outputs [B, ...], all float32."""
        ...

    def losses(
        self, settings: Training, num_classes: int, targets_R: Any, copies_R: Tensor, /
    ) -> tuple[Loss, Loss]:
        """Return the losses to train and to validate by; `copies_R` is how often each is drawn."""
        ...

    def moved(self, targets_B: Any, draws: Any, settings: Any, /) -> Any:
        """Return the targets of augmented samples."""
        del draws, settings
        return targets_B

    def right_and_all(self, outputs_B: Tensor, targets_B: Any, /) -> Tensor:
        """Return two counts, int64 [2]; the ratio of their sums over batches is the accuracy."""
        ...

    # --- prediction ---

    def probabilities(self, outputs_B: Tensor, /) -> Tensor:
        """Return what may be averaged over voters, float32 [B, ...]."""
        ...

    def right_and_all_by_probability(self, probs_B: Tensor, targets_B: Any, /) -> Tensor:
        """Return `right_and_all` of probabilities instead of outputs."""
        return self.right_and_all(probs_B, targets_B)

    def signals(self, probs_MB: Tensor, targets_B: Any, /) -> dict[str, Tensor]:
        """Return what acquisition functions read: by name, whose suffix says the axes (_N, _MN)."""
        ...

    def entropy(self, probs_B: Tensor, /) -> Tensor:
        """Return the entropy of each sample by one voter, in nats, of [..., B, ...]."""
        ...

    def heat_maps(self) -> Any:
        """Return what collects maps of a few samples to be shown; None: there are none."""
        return None
