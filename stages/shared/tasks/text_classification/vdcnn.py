"""Very deep convolutional networks on characters: Conneau et al. 2017 (arXiv 1606.01781).

Convolutions are those of images of height 1, which are twice as fast on processors.

Shapes: B batch, L characters, D channels.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from stages.shared.networks.layers import Classifier, initialize
from stages.shared.tasks.text_classification.text_batches import NUM_CHARACTERS, TextBatch

EMBEDDING = 16  # numbers for a character
WIDTHS = (64, 128, 256, 512)
HIDDEN = 2048
KEPT = 8  # positions of each channel that k-max pooling keeps


class Vdcnn(nn.Module):
    """The features: convolutions, k-max pooling and two hidden layers. Figure 1, without shortcuts.

    A character's vector; a convolution; for each width a stage of convolutions with normalisation
    and ReLU, from the second on after a pooling that halves the length.
    """

    def __init__(self, convolutions: Sequence[int], text_length: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(NUM_CHARACTERS, EMBEDDING)
        self.convolutions = nn.Sequential(_convolution(EMBEDDING, WIDTHS[0], bias=True))
        channels, length = WIDTHS[0], text_length
        for width, count in zip(WIDTHS, convolutions, strict=True):
            if width != channels:
                self.convolutions.append(nn.MaxPool2d((1, 3), stride=(1, 2), padding=(0, 1)))
                length = -(-length // 2)
            for _ in range(count):
                self.convolutions.append(_convolution(channels, width, bias=False))
                self.convolutions.append(nn.BatchNorm2d(width))
                self.convolutions.append(nn.ReLU(inplace=True))
                channels = width
        self.kept = min(KEPT, length)
        self.hidden = nn.Sequential(
            nn.Linear(channels * self.kept, HIDDEN),
            nn.ReLU(inplace=True),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(inplace=True),
        )
        initialize(self)

    def forward(self, batch: TextBatch) -> Tensor:
        """Return the features [B, 2048]."""
        embedded_BD1L = self.embedding(batch.characters()).transpose(1, 2).unsqueeze(2)
        h_BDL = self.convolutions(embedded_BD1L).squeeze(2)
        return self.hidden(largest(h_BDL, self.kept).flatten(1))


def vdcnn(convolutions: Sequence[int], num_classes: int, input_shape: Sequence[int]) -> Classifier:
    """Return a network with so many convolutions of each width, for texts of one length."""
    (text_length,) = input_shape
    return Classifier(Vdcnn(convolutions, text_length), HIDDEN, num_classes)


def largest(h_BDL: Tensor, k: int) -> Tensor:
    """Return the k largest numbers of each channel in their order [B, D, k]."""
    place_BDk = h_BDL.contiguous().topk(k, dim=2).indices.sort(dim=2).values
    return h_BDL.gather(2, place_BDk)


def _convolution(in_channels: int, out_channels: int, *, bias: bool) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, (1, 3), padding=(0, 1), bias=bias)
