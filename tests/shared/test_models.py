"""Every model of stages/shared/models, found by its name, keeps the contract of a classifier."""

import re
import runpy
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn
from torch.nn import functional

from stages.shared import layers, models

MODELS = Path(models.__file__).parent
NAMES = sorted(path.stem for path in MODELS.glob("*.py") if not path.stem.startswith("_"))
IN_TORCHVISION = ["densenet121", "resnet101", "resnet18", "resnet34", "resnet50"]
WITH_TWO_FORMS = [*IN_TORCHVISION, "resnet10"]

# Small enough to be quick, on either side of the border between the two forms.
EDGES = {"32-pixel form": 16, "224-pixel form": 65}
CASES = [(name, edge) for edge in EDGES.values() for name in NAMES]
CASE_NAMES = [f"{name}, {form}" for form in EDGES for name in NAMES]
each_case = pytest.mark.parametrize(("name", "edge"), CASES, ids=CASE_NAMES)

# 40 million weights take seconds to draw; ResNet-50 has the same layers.
TRAINED_CASES = [
    pytest.param(case, marks=pytest.mark.slow if case[0] == "resnet101" else (), id=label)
    for case, label in zip(CASES, CASE_NAMES, strict=True)
]


def build(name: str, num_classes: int, image_shape: list[int], seed: int = 0) -> layers.Classifier:
    torch.manual_seed(seed)
    return models.build(name, num_classes, image_shape)


def build_without_weights(name: str, num_classes: int, image_shape: list[int]) -> layers.Classifier:
    with torch.device("meta"):
        return models.build(name, num_classes, image_shape).eval()


def num_parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def images(edge: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(4, 3, edge, edge, generator=torch.Generator().manual_seed(seed))


def assert_near(found: torch.Tensor, expected: torch.Tensor) -> None:
    scale = float(expected.abs().max())
    torch.testing.assert_close(found / scale, expected / scale, rtol=0, atol=1e-5)


@pytest.fixture(scope="module", params=TRAINED_CASES)
def trained(request: pytest.FixtureRequest) -> tuple[str, int, layers.Classifier]:
    """Name, edge and network after one backward pass, so that its statistics are its own."""
    name, edge = request.param
    network = build(name, 7, [edge, edge, 3])
    loss = functional.cross_entropy(network(images(edge)), torch.tensor([0, 1, 2, 3]))
    loss.backward()
    return name, edge, network.eval()


def test_the_package_lists_every_model_file() -> None:
    assert models.names() == NAMES
    assert "resnet8" in NAMES


def test_an_unknown_name_is_an_error_that_lists_the_models() -> None:
    with pytest.raises(
        ValueError, match=r"model is 'resnet9'; choose one of densenet121, .*resnet8"
    ):
        models.build("resnet9", 10, [32, 32, 3])


@each_case
def test_grey_images_that_are_not_square_give_a_row_of_logits_each(name: str, edge: int) -> None:
    network = build_without_weights(name, 7, [edge, 2 * edge, 1])
    x_BKHW = torch.empty(5, 1, edge, 2 * edge, device="meta")
    with torch.no_grad():
        assert network(x_BKHW).shape == (5, 7)


@each_case
def test_the_layers_with_weights_are_as_many_as_the_name_says(name: str, edge: int) -> None:
    network = build_without_weights(name, 7, [edge, edge, 3])
    counted = [
        part
        for path, part in network.named_modules()
        if isinstance(part, nn.Conv2d | nn.Linear)
        and not re.search(r"shortcut|downsample", path)  # projections are not counted in names
    ]
    assert len(counted) == int(re.sub(r"\D", "", name))


def test_gradients_reach_every_parameter(trained: tuple[str, int, layers.Classifier]) -> None:
    _, _, network = trained
    for path, parameter in network.named_parameters():
        assert parameter.grad is not None, path
        assert bool(parameter.grad.isfinite().all()), path
        assert bool(parameter.grad.any()), path


def test_the_logits_are_the_classifier_of_the_features(
    trained: tuple[str, int, layers.Classifier],
) -> None:
    _, edge, network = trained
    with torch.no_grad():
        x_BKHW = images(edge)
        h_BD = network.features(x_BKHW)
        assert h_BD.shape == (4, network.classifier.in_features)
        by_hand_BC = h_BD @ network.classifier.weight.T + network.classifier.bias
        assert_near(network(x_BKHW), by_hand_BC)
        assert by_hand_BC.shape == (4, 7)
        assert float(h_BD.min()) >= 0  # the features end with a ReLU and a mean


def test_weights_read_back_from_safetensors_give_the_same_logits(
    trained: tuple[str, int, layers.Classifier],
) -> None:
    name, edge, network = trained
    stored = safetensors.torch.save(network.state_dict())
    copy = build_without_weights(name, 7, [edge, edge, 3])
    copy.load_state_dict(safetensors.torch.load(stored), assign=True)
    with torch.no_grad():
        assert torch.equal(copy(images(edge)), network(images(edge)))


def test_when_evaluated_an_image_does_not_depend_on_the_others_of_its_batch(
    trained: tuple[str, int, layers.Classifier],
) -> None:
    _, edge, network = trained
    one_BKHW, other_BKHW = images(edge, seed=2), images(edge, seed=3)
    mixed_BKHW = torch.cat([one_BKHW[:1], 10 * other_BKHW[1:]])
    with torch.no_grad():
        assert_near(network(mixed_BKHW)[:1], network(one_BKHW)[:1])


def test_initial_weights_are_decided_by_the_global_seed(
    trained: tuple[str, int, layers.Classifier],
) -> None:
    name, edge, network = trained
    again = build(name, 7, [edge, edge, 3])
    for path, parameter in again.named_parameters():
        assert torch.equal(parameter, network.get_parameter(path)), path


def test_convolutions_start_as_he_et_al_draw_them(
    trained: tuple[str, int, layers.Classifier],
) -> None:
    _, _, network = trained
    for path, part in network.named_modules():
        if isinstance(part, nn.Conv2d):
            variance = 2 / (part.out_channels * part.kernel_size[0] * part.kernel_size[1])
            ratio = float(part.weight.detach().square().mean()) / variance
            # The mean of n squared normal numbers has the relative standard error sqrt(2 / n).
            assert ratio == pytest.approx(1, abs=6 * (2 / part.weight.numel()) ** 0.5), path
        if isinstance(part, nn.BatchNorm2d):
            assert bool((part.weight == 1).all()), path
            assert bool((part.bias == 0).all()), path


def test_another_seed_gives_other_weights() -> None:
    one, other = (build("resnet8", 7, [8, 8, 3], seed) for seed in (0, 1))
    assert not torch.equal(one.classifier.weight, other.classifier.weight)
    assert not torch.equal(next(one.features.parameters()), next(other.features.parameters()))


@pytest.mark.parametrize("name", WITH_TWO_FORMS)
def test_the_shorter_side_of_the_images_decides_the_form(name: str) -> None:
    for image_shape, size in [([64, 300, 3], 3), ([300, 64, 3], 3), ([65, 65, 3], 7)]:
        stem = next(build_without_weights(name, 7, image_shape).parameters())
        assert stem.shape == (64, 3, size, size)


@pytest.mark.parametrize(
    ("names", "edge", "last_edge"),
    [(WITH_TWO_FORMS, 224, 7), (WITH_TWO_FORMS, 32, 4), (["resnet8"], 32, 8), (["resnet8"], 8, 2)],
)
def test_the_last_stage_has_the_published_resolution(
    names: list[str], edge: int, last_edge: int
) -> None:
    for name in names:
        network = build_without_weights(name, 7, [edge, edge, 3])
        seen: list[torch.Size] = []
        *_, last_norm = (part for part in network.modules() if isinstance(part, nn.BatchNorm2d))
        last_norm.register_forward_hook(lambda _, __, output, seen=seen: seen.append(output.shape))
        with torch.no_grad():
            network(torch.empty(2, 3, edge, edge, device="meta"))
        assert seen[0][2:] == (last_edge, last_edge), name


@pytest.mark.parametrize(
    ("name", "published"),
    [
        # torchvision's table of classification weights, 1,000 classes.
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
        ("resnet101", 44_549_160),
        ("densenet121", 7_978_856),
        # ResNet-18 less two 3x3 convolutions and their normalisations in each stage.
        ("resnet10", 11_689_512 - sum(2 * (9 * w * w + 2 * w) for w in (64, 128, 256, 512))),
    ],
)
def test_the_224_pixel_form_has_the_published_number_of_parameters(
    name: str, published: int
) -> None:
    assert num_parameters(build_without_weights(name, 1000, [224, 224, 3])) == published


@pytest.mark.parametrize(
    "trained",
    [
        param
        for param, (name, edge) in zip(TRAINED_CASES, CASES, strict=True)
        if name in IN_TORCHVISION and edge == EDGES["224-pixel form"]
    ],
    indirect=True,
)
def test_the_224_pixel_form_computes_what_torchvision_computes(
    trained: tuple[str, int, layers.Classifier],
) -> None:
    import torchvision

    name, edge, network = trained
    last = "classifier" if name.startswith("densenet") else "fc"
    with torch.device("meta"):
        expected = getattr(torchvision.models, name)(num_classes=7).eval()
    last_layer = {f"{last}.{key}": value for key, value in network.classifier.state_dict().items()}
    expected.load_state_dict({**network.features.state_dict(), **last_layer}, assign=True)
    with torch.no_grad():
        assert_near(network(images(edge)), expected(images(edge)))


def pre_activation_parameters(
    kernels: list[int], expansion: int, block_counts: list[int], widths: list[int]
) -> int:
    """Count, convolution by convolution, for 3 channels and 10 classes."""
    channels = widths[0]
    total = 3 * 9 * channels
    for stage, width in enumerate(widths):
        for number in range(block_counts[stage]):
            into = channels
            ends = [width] * (len(kernels) - 1) + [width * expansion]
            for kernel, end in zip(kernels, ends, strict=True):
                total += 2 * into + kernel * kernel * into * end  # normalisation, convolution
                into = end
            if number == 0 and channels != into:
                total += channels * into  # projection
            channels = into
    return total + 2 * channels + channels * 10 + 10


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resnet8", pre_activation_parameters([3, 3], 1, [1, 1, 1], [16, 32, 64])),
        ("resnet10", pre_activation_parameters([3, 3], 1, [1, 1, 1, 1], [64, 128, 256, 512])),
        ("resnet18", 11_172_170),
        ("resnet18", pre_activation_parameters([3, 3], 1, [2, 2, 2, 2], [64, 128, 256, 512])),
        ("resnet34", pre_activation_parameters([3, 3], 1, [3, 4, 6, 3], [64, 128, 256, 512])),
        ("resnet50", pre_activation_parameters([1, 3, 1], 4, [3, 4, 6, 3], [64, 128, 256, 512])),
        ("resnet101", pre_activation_parameters([1, 3, 1], 4, [3, 4, 23, 3], [64, 128, 256, 512])),
        # The published one with another last layer and stem, and no normalisation in the stem.
        ("densenet121", 7_978_856 - 1025 * 990 - (49 - 9) * 3 * 64 - 2 * 64),
    ],
)
def test_the_32_pixel_form_has_the_number_of_parameters_of_its_layers(
    name: str, expected: int
) -> None:
    assert num_parameters(build_without_weights(name, 10, [32, 32, 3])) == expected


def test_a_pre_activation_network_computes_what_its_paper_says() -> None:
    network = build("resnet8", 7, [8, 8, 3])
    network(images(8))  # moves the running statistics away from 0 and 1
    weights = network.eval().state_dict()

    def activate(x_BDHW: torch.Tensor, path: str) -> torch.Tensor:
        mean, var, scale, shift = (
            weights[f"features.{path}.{name}"][:, None, None]
            for name in ("running_mean", "running_var", "weight", "bias")
        )
        return ((x_BDHW - mean) / (var + 1e-5).sqrt() * scale + shift).clamp(min=0)

    def convolve(x_BDHW: torch.Tensor, path: str, stride: int = 1) -> torch.Tensor:
        kernel = weights[f"features.{path}.weight"]
        return functional.conv2d(x_BDHW, kernel, stride=stride, padding=kernel.shape[-1] // 2)

    h_BDHW = convolve(images(8), "stem")
    for number, stride in enumerate([1, 2, 2]):
        block = f"blocks.{number}"
        active_BDHW = activate(h_BDHW, f"{block}.norm")
        inner_BDHW = convolve(active_BDHW, f"{block}.branch.0", stride)
        branch_BDHW = convolve(activate(inner_BDHW, f"{block}.branch.1"), f"{block}.branch.3")
        # The first block keeps the activated stem, the other two project it.
        kept_BDHW = convolve(active_BDHW, f"{block}.shortcut", stride) if number else active_BDHW
        h_BDHW = branch_BDHW + kept_BDHW
    with torch.no_grad():
        assert_near(network.features(images(8)), activate(h_BDHW, "norm").mean(dim=(2, 3)))


def test_a_later_block_of_a_stage_keeps_its_input_as_it_is() -> None:
    network = layers.PreActivationResNet(layers.basic, [2], [4], 3).eval()
    for path, parameter in network.named_parameters():
        if path.startswith("blocks.1.branch"):
            nn.init.zeros_(parameter)
    h_BDHW = torch.randn(2, 4, 5, 5)
    assert torch.equal(network.blocks[1](h_BDHW), h_BDHW)


def test_small_images_need_no_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)  # importing it is now an error
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    for path in (Path(layers.__file__), MODELS / "__init__.py"):
        runpy.run_path(str(path))
    for name in sorted({*NAMES} - {"densenet121"}):
        file = runpy.run_path(str(MODELS / f"{name}.py"))
        with torch.device("meta"):
            file["build"](7, [32, 32, 3])
