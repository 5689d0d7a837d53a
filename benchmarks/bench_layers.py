"""Layer by layer, how near a training comes to what the processor can do.

    OMP_NUM_THREADS=1 python -m benchmarks.bench_layers --model airbench --write

Each layer of a network's features is run forwards and backwards by itself, on the inputs that it
has in a training. Layers with weights are put beside the rate of a large matrix product, all others
beside that of a copy in memory. One thread, processor seconds, the least of some turns, since the
machine may not be alone. Last come a whole training step and a prediction; what they take more
than the sum of their layers lies between these. A product in float32 need not be the ceiling: on
AMD's processors torch's convolutions (oneDNN) use wider instructions than its products (MKL).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks import side_by_side
from stages.shared import models
from stages.shared.networks.layers import Classifier

PRODUCT = 2048  # edge of the matrices
COPIED = 2**28  # bytes
PASSES = 3  # forward, and backward to weights and inputs: as many operations each


@dataclass(frozen=True)
class Layer:
    """What a layer takes for a batch."""

    name: str
    shape: str
    flops: float  # forward
    numbers: int  # that it reads and writes, forward
    forward: float  # processor seconds
    backward: float

    @property
    def seconds(self) -> float:
        """Of a training step."""
        return self.forward + self.backward


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and show the result."""
    parser = side_by_side.parser(__doc__)
    parser.add_argument("--model", default="airbench")
    parser.add_argument("--edge", type=int, default=32, help="of the images, pixels")
    parser.add_argument("--batch", type=int, default=256)
    parsed = parser.parse_args(arguments)
    torch.set_num_threads(1)
    parts = [
        f"`{parsed.model}`, batches of {parsed.batch} images of {parsed.edge} pixels, one thread"
    ]
    copied = bytes_per_second(parsed.repetitions)
    for dtype in (torch.bfloat16, torch.float32):
        found = layers(parsed.model, parsed.edge, parsed.batch, dtype, parsed.repetitions)
        whole = steps(parsed.model, parsed.edge, parsed.batch, dtype, parsed.repetitions)
        best = flops_per_second(dtype, parsed.repetitions)
        parts.append(table(found, whole, parsed.batch, dtype, best, copied))
    side_by_side.show(f"layers-{parsed.model}", parts, parsed.write)


# --- measuring ------------------------------------------------------------------------------------


def least(work: Callable[[], object], turns: int) -> float:
    """Return the least processor seconds of some turns, after one to warm up."""
    work()
    seconds = []
    for _ in range(turns):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


def flops_per_second(dtype: torch.dtype, turns: int) -> float:
    """Return the rate of a large matrix product: a product and a sum for each of its terms."""
    factor = torch.randn(PRODUCT, PRODUCT).to(dtype)
    return 2 * PRODUCT**3 / least(lambda: factor @ factor, turns)


def bytes_per_second(turns: int) -> float:
    """Return how many bytes a copy in memory reads and writes in a second."""
    source = torch.zeros(COPIED, dtype=torch.uint8)
    target = torch.empty_like(source)
    return 2 * COPIED / least(lambda: target.copy_(source), turns)


def build(model: str, edge: int, batch: int) -> tuple[Classifier, Tensor]:
    """Return the network as it is trained, with its first layer frozen, and a batch for it."""
    torch.manual_seed(0)
    network = models.build(model, 10, [edge, edge, 3]).to(memory_format=torch.channels_last)
    first = next(part for part in network.modules() if isinstance(part, nn.Conv2d))
    first.weight.requires_grad_(False)
    images_BKHW = torch.randn(batch, 3, edge, edge)
    return network.train(), images_BKHW.contiguous(memory_format=torch.channels_last)


def layers(model: str, edge: int, batch: int, dtype: torch.dtype, turns: int) -> list[Layer]:
    """Return what each layer takes, in order."""
    network, images_BKHW = build(model, edge, batch)
    seen: list[tuple[str, nn.Module, Tensor]] = []
    hooks = [
        part.register_forward_hook(
            lambda part, inputs, _, path=path: seen.append((path, part, inputs[0].detach()))
        )
        for path, part in network.features.named_modules()
        if not [*part.children()]
    ]
    with _precision(dtype):
        network.features(images_BKHW)
    for hook in hooks:
        hook.remove()
    return [_layer(path, part, inputs, dtype, turns) for path, part, inputs in seen]


def _layer(path: str, part: nn.Module, inputs: Tensor, dtype: torch.dtype, turns: int) -> Layer:
    is_first = isinstance(part, nn.Conv2d) and not part.weight.requires_grad
    # What follows the frozen layer directly has nothing before it to be trained either.
    inputs = inputs.requires_grad_(not is_first)

    def forward() -> Tensor:
        with _precision(dtype):
            output: Tensor = part(inputs)
        return output

    def both() -> None:
        output = forward()
        if output.requires_grad:
            wanted = [inputs, *(each for each in part.parameters() if each.requires_grad)]
            torch.autograd.grad(output, wanted, torch.ones_like(output))

    output = forward()
    flops = 2 * part.weight[0].numel() * output.numel() if isinstance(part, nn.Conv2d) else 0
    forward_seconds = least(forward, turns)
    return Layer(
        f"{path} {type(part).__name__}",
        f"{' x '.join(map(str, inputs.shape[1:]))} to {' x '.join(map(str, output.shape[1:]))}",
        flops,
        inputs.numel() + output.numel(),
        forward_seconds,
        max(0.0, least(both, turns) - forward_seconds),
    )


def steps(model: str, edge: int, batch: int, dtype: torch.dtype, turns: int) -> tuple[float, float]:
    """Return the processor seconds of a prediction and of a training step."""
    network, images_BKHW = build(model, edge, batch)
    targets_B = torch.arange(batch) % 10

    def step() -> None:
        with _precision(dtype):
            features_BD = network.features(images_BKHW)
        loss = F.cross_entropy(network.classifier(features_BD.float()), targets_B)
        loss.backward()  # type: ignore[no-untyped-call]  # torch does not say its types
        network.zero_grad()

    training = least(step, turns)
    network.eval()

    def predict() -> None:
        with torch.inference_mode(), _precision(dtype):
            network.features(images_BKHW)

    return least(predict, turns), training


def _precision(dtype: torch.dtype) -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16)


# --- what comes out -------------------------------------------------------------------------------


def table(
    found: Sequence[Layer],
    whole: tuple[float, float],
    batch: int,
    dtype: torch.dtype,
    best: float,
    copied: float,
) -> str:
    """Return the layers, with what share of the ceiling each reaches, and the whole."""
    name = str(dtype).removeprefix("torch.")
    lines = [
        f"{name}: a product of {PRODUCT} x {PRODUCT} matrices does {best / 1e9:,.0f} GFLOP/s, "
        f"a copy {copied / 1e9:.1f} GB/s.",
        "",
        "| layer | numbers of an image | MFLOP | training, ms a batch | share | of the ceiling |",
        "|---|---|---|---|---|---|",
    ]
    total = sum(layer.seconds for layer in found)
    for layer in found:
        if layer.flops:
            passes = PASSES if layer.backward > 0 else 1
            reached = passes * layer.flops / layer.seconds / best
            ceiling = f"{reached:.0%} of products"
        else:
            moved = 2 * layer.numbers * dtype.itemsize / layer.seconds  # forward and backward
            ceiling = f"{moved / copied:.0%} of copies"
        lines.append(
            f"| {layer.name} | {layer.shape} | {layer.flops / batch / 1e6:.1f} "
            f"| {1e3 * layer.seconds:.1f} | {layer.seconds / total:.0%} | {ceiling} |"
        )
    flops = sum(layer.flops for layer in found)
    predicting, training = whole
    lines += [
        "",
        f"Training: {batch / training:,.0f} images/s, {PASSES * flops / training / best:.0%} of "
        f"products; its layers take {total / training:.0%} of it. Prediction: "
        f"{batch / predicting:,.0f} images/s, {flops / predicting / best:.0%}.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
