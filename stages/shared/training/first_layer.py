"""A first convolution that whitens patches of the images, and is not trained.

Coates and Ng 2012 (Learning feature representations with k-means), as Page 2019 (How to train your
ResNet) puts it in front of a network. Its filters need no labels, so they come from the whole
train split: a member has the same first weights on every subset.

Shapes: B batch, K x H x W channels and pixels, D numbers of a patch (channels x kernel height x
kernel width), F filters.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stages.shared import artifacts
from stages.shared.errors import ParamsError
from stages.shared.networks.batches import batches, load_samples, normalise
from stages.shared.samples.randomness import permutation_by_id
from stages.shared.training.job import Job

NUM_IMAGES = 2_000  # of 32 pixels they have 200,000 patches of 3 x 3
BATCH = 100
EPSILON = 1e-3  # of the variance of a pixel, which is 1


def first_convolution(model: nn.Module, job: Job) -> nn.Conv2d:
    """Return the convolution that reads the images.

    Raises:
        ParamsError: the model has none.
    """
    layer = next((part for part in model.modules() if isinstance(part, nn.Conv2d)), None)
    if layer is None or layer.weight.shape[1] != job.meta.input_shape[-1]:
        raise ParamsError(
            f"params.yaml: first_layer is whitened; it must be trained, {job.model} has no "
            "convolution that reads all channels of the images"
        )
    return layer


def whiten(layer: nn.Conv2d, job: Job) -> None:
    """Set the filters to those that whiten the patches of some images of the train split."""
    covariance_DD = patch_covariance(layer, job)
    filters_FD = whitening_filters(covariance_DD, len(layer.weight))
    with torch.no_grad():
        layer.weight.copy_(filters_FD.reshape(layer.weight.shape))
        if layer.bias is not None:
            layer.bias.zero_()


def patch_covariance(layer: nn.Conv2d, job: Job) -> Tensor:
    """Return the covariance of the normalised images' patches, float64 [D, D].

    Their mean is 0 by the normalisation. Patches lie side by side, of the size of the kernel.
    """
    sample_ids = artifacts.load_sample_ids(job.prepared, "train")
    rows_N = permutation_by_id(sample_ids, job.random_seed, "first layer")[:NUM_IMAGES]
    samples = load_samples(job.prepared, "train", torch.device("cpu"), rows_N)
    size = layer.weight[0].numel()
    total_DD, count = torch.zeros(size, size, dtype=torch.float64), 0
    parts = (torch.arange(len(samples))[rows] for rows in batches(len(samples), BATCH))
    for images_BHWK in samples.in_batches(parts):
        inputs_BKHW = normalise(images_BHWK, job.meta).contiguous()
        height, width = layer.weight.shape[2:]
        patches_BDP = F.unfold(inputs_BKHW.double(), (height, width), stride=(height, width))
        total_DD += torch.einsum("bdp,bep->de", patches_BDP, patches_BDP)
        count += patches_BDP.shape[0] * patches_BDP.shape[2]
    return total_DD / count


def whitening_filters(covariance_DD: Tensor, num_filters: int) -> Tensor:
    """Return v / sqrt(l + epsilon) of the covariance's eigenvectors, float64 [F, D].

    Largest eigenvalue l first, each v followed by -v: the first ReLU, before which pre-activation
    networks normalise once more, drops the lower part of what a filter says, and the other keeps
    it. Fewer than 2 D filters leave out the smallest eigenvalues. More begin again: the surplus
    ones are exact copies, frozen as all are, and tell the network nothing new.
    """
    eigenvalue_D, eigenvector_DD = torch.linalg.eigh(covariance_DD)  # rising, as columns
    scaled_DD = (eigenvector_DD / (eigenvalue_D + EPSILON).sqrt()).T.flip(0)
    both_FD = torch.stack([scaled_DD, -scaled_DD], dim=1).flatten(0, 1)
    return both_FD[torch.arange(num_filters) % len(both_FD)]
