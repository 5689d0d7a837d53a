"""What image classifiers are built from: features, a linear last layer, and residual networks.

Shapes: B batch, K image channels, H and W pixels, D features, C classes.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from stages.shared.networks.preprocessing import Preprocessing, show_the_middle

# Images whose shorter side has at most so many pixels get the form of a network that was designed
# for CIFAR (3x3 stem, no pooling before the first block), larger ones that for ImageNet.
LARGEST_SMALL_IMAGE = 64

# What the names of a classifier's last layer begin with: without it weights can be those of a model
# for other classes.
LAST_LAYER = "classifier."

# Builds the convolutions of one residual block from its input channels, width and stride.
BlockType = Callable[[int, int, int], nn.Sequential]


class Classifier(nn.Module):
    """Features and a linear last layer, apart from each other.

    Apart, because the last layer runs in fp32 whatever the precision of the features (rounded
    logits would tie samples that differ), and because selection needs its input: for distances
    between samples and gradients of the last layer.

    Attributes:
        features: images [B, K, H, W] to the last layer's input [B, D].
        classifier: the last layer, [B, D] to logits [B, C].
        preprocessing: what of an image the features see; None: all of it.
    """

    preprocessing: Preprocessing | None = None

    def __init__(self, features: nn.Module, num_features: int, num_classes: int) -> None:
        super().__init__()
        self.features = features
        self.classifier = nn.Linear(num_features, num_classes)

    def forward(self, x_BKHW: Tensor) -> Tensor:
        """Return the logits [B, C]."""
        return self.classifier(self.features(x_BKHW))


class PreActivationResNet(nn.Module):
    """Residual features with normalisation and ReLU before each convolution.

    A 3x3 stem; for each width a stage of blocks, from the second on at half the resolution of the
    one before; a last normalisation and ReLU; the mean over all positions. He et al. 2016,
    Identity Mappings in Deep Residual Networks (arXiv 1603.05027), Fig. 4e and appendix.

    Attributes:
        num_features: how many there are, D.
    """

    num_features: int

    def __init__(
        self,
        block: BlockType,
        block_counts: Sequence[int],
        widths: Sequence[int],
        num_channels: int,
        stem_stride: int = 1,
    ) -> None:
        super().__init__()
        blocks = _residual_blocks(block, block_counts, widths)
        self.num_features = blocks[-1].num_features
        self.stem = convolution(num_channels, widths[0], 3, stem_stride)
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(self.num_features)
        initialize(self)

    def forward(self, x_BKHW: Tensor) -> Tensor:
        """Return the features [B, D]."""
        h_BDHW = torch.relu(self.norm(self.blocks(self.stem(x_BKHW))))
        return h_BDHW.mean(dim=(2, 3))


class _ResidualBlock(nn.Module):
    """`branch` added to its input, which is projected where the shape changes.

    The projection reads the activated input, and so does the shortcut of the network's first
    block, which follows a convolution instead of a sum (arXiv 1603.05027, appendix).
    """

    num_features: int

    def __init__(self, branch: nn.Sequential, stride: int, is_first: bool) -> None:
        super().__init__()
        first, last = branch[0], branch[-1]
        assert isinstance(first, nn.Conv2d)
        assert isinstance(last, nn.Conv2d)
        in_channels, self.num_features = first.in_channels, last.out_channels
        changes_shape = stride > 1 or in_channels != self.num_features
        self.norm = nn.BatchNorm2d(in_channels)
        self.branch = branch
        self.shortcut = (
            convolution(in_channels, self.num_features, 1, stride)
            if changes_shape
            else nn.Identity()
        )
        self.shortcut_is_activated = changes_shape or is_first

    def forward(self, x_BDHW: Tensor) -> Tensor:
        activated_BDHW = torch.relu(self.norm(x_BDHW))
        kept_BDHW = activated_BDHW if self.shortcut_is_activated else x_BDHW
        return self.branch(activated_BDHW) + self.shortcut(kept_BDHW)


def _residual_blocks(
    block: BlockType, block_counts: Sequence[int], widths: Sequence[int]
) -> list[_ResidualBlock]:
    blocks: list[_ResidualBlock] = []
    for stage, (count, width) in enumerate(zip(block_counts, widths, strict=True)):
        for number in range(count):
            in_channels = blocks[-1].num_features if blocks else widths[0]
            stride = 2 if stage > 0 and number == 0 else 1
            branch = block(in_channels, width, stride)
            blocks.append(_ResidualBlock(branch, stride, is_first=not blocks))
    return blocks


def basic(in_channels: int, width: int, stride: int) -> nn.Sequential:
    """Return the two 3x3 convolutions of a basic block; the block itself activates its input."""
    return nn.Sequential(
        convolution(in_channels, width, 3, stride),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        convolution(width, width, 3),
    )


def bottleneck(in_channels: int, width: int, stride: int) -> nn.Sequential:
    """Return the 1x1, 3x3 and 1x1 convolutions of a bottleneck block, which ends 4 x as wide."""
    return nn.Sequential(
        convolution(in_channels, width, 1),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        convolution(width, width, 3, stride),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        convolution(width, 4 * width, 1),
    )


def convolution(in_channels: int, out_channels: int, size: int, stride: int = 1) -> nn.Conv2d:
    """Return a `size` x `size` convolution without bias that keeps the resolution at stride 1."""
    return nn.Conv2d(in_channels, out_channels, size, stride, padding=size // 2, bias=False)


def is_small(image_shape: Sequence[int]) -> bool:
    """Return whether images of shape H, W, K get the 32-pixel form of a network."""
    return min(image_shape[:2]) <= LARGEST_SMALL_IMAGE


def residual_network(
    block: BlockType, block_counts: Sequence[int], num_classes: int, image_shape: Sequence[int]
) -> Classifier:
    """Return a ResNet with stages of width 64, 128, 256 and 512 for images of shape H, W, K.

    In the 32-pixel form it is a pre-activation network, in the 224-pixel form torchvision's.
    """
    if not is_small(image_shape):
        return _torchvision_resnet(block, block_counts, num_classes, image_shape[-1])
    features = PreActivationResNet(block, block_counts, [64, 128, 256, 512], image_shape[-1])
    return Classifier(features, features.num_features, num_classes)


def _torchvision_resnet(
    block: BlockType, block_counts: Sequence[int], num_classes: int, num_channels: int
) -> Classifier:
    from torchvision.models import resnet  # here, because the import takes a second

    kinds: dict[BlockType, type] = {basic: resnet.BasicBlock, bottleneck: resnet.Bottleneck}
    features = resnet.ResNet(kinds[block], list(block_counts))
    features.conv1 = convolution(num_channels, 64, 7, stride=2)
    initialize(features.conv1)
    num_features = features.fc.in_features
    features.fc = nn.Identity()
    network = Classifier(features, num_features, num_classes)
    network.preprocessing = show_the_middle(features)
    return network


def last_layer_apart(network: nn.Module) -> Classifier:
    """Return one of torchvision's ImageNet networks, whose `classifier` ends with its last layer.

    The last layer keeps its weights; the names of all others get the prefix `features`.
    """
    hidden = network.classifier
    assert isinstance(hidden, nn.Sequential)
    last = hidden[-1]
    assert isinstance(last, nn.Linear)
    hidden[-1] = nn.Identity()
    apart = Classifier(network, last.in_features, last.out_features)
    apart.classifier = last
    apart.preprocessing = show_the_middle(network)
    return apart


def initialize(module: nn.Module) -> None:
    """Draw every convolution's weights anew as He et al. 2015 do (arXiv 1502.01852, eq. 14).

    Normal, of variance 2 / (positions of the kernel x output channels), from torch's global
    generator. Normalisations keep torch's 1 and 0.
    """
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
