"""Every model of stages/shared/models, found by its name, keeps the contract of a classifier."""

import runpy
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn
from torch.nn import functional

from stages.shared import models
from stages.shared.networks import layers

MODELS = Path(models.__file__).parent / "image_classification"
FILES = sorted(path for path in MODELS.glob("*.py") if not path.stem.startswith("_"))
# Networks of libraries have tests of their own (test_library_models.py).
LIBRARY = [path.stem for path in FILES if "library_networks" in path.read_text()]
PROBES = [path.stem for path in FILES if "networks.probes" in path.read_text()]  # of vectors
NAMES = [path.stem for path in FILES if path.stem not in [*LIBRARY, *PROBES]]
# They begin as they do by design, not as He et al. draw, and end with a GELU, not a ReLU:
# tests/shared/networks/test_convolution_groups.py.
GROUPS = [path.stem for path in FILES if "convolution_groups" in path.read_text()]
# What torchvision calls the last layer.
IN_TORCHVISION = {
    "alexnet": "classifier.6",
    "densenet121": "classifier",
    "resnet101": "fc",
    "resnet18": "fc",
    "resnet34": "fc",
    "resnet50": "fc",
    "vgg16": "classifier.6",
}
WITH_TWO_FORMS = [*IN_TORCHVISION, "resnet10"]
# The border between the two forms shows in their stems.
WITH_TWO_STEMS = sorted({*WITH_TWO_FORMS} - {"alexnet", "vgg16"})

# Small enough to be quick, on either side of the border between the two forms.
EDGES = {"32-pixel form": 16, "224-pixel form": 65}
FORMS = [(name, form) for form in EDGES for name in NAMES if name in WITH_TWO_FORMS or "32" in form]
CASES = [(name, EDGES[form]) for name, form in FORMS]
CASE_NAMES = [f"{name}, {form}" for name, form in FORMS]

# Of networks that differ in their depth or width alone the smallest stands for all, and of those
# of plain layers CNN-5 and AlexNet. 40 million weights take seconds to draw, and 50 layers to
# train: bottlenecks have a test of their own.
LARGE = EDGES["224-pixel form"]
DEEP = [
    "airbench",
    "airbench_half",
    "densenet121",
    "resnet20",
    "resnet34",
    "resnet50",
    "resnet56",
    "resnet101",
    "resnet110",
    "resnet164",
]
DEEP_WITH_TWO_STEMS = [name for name in WITH_TWO_STEMS if name in DEEP]
SLOW = {*DEEP, "resnet18", "vgg16", ("alexnet", LARGE)}


def slow_if_deep(cases):
    """Return names, or names and what else a test is called with, as its parameters."""
    each = [(case,) if isinstance(case, str) else case for case in cases]
    return [pytest.param(*case, marks=pytest.mark.slow if case[0] in DEEP else ()) for case in each]


def slow_if_in(slow, case):
    marks = pytest.mark.slow if {case, case[0]} & slow else ()
    return pytest.param(case, marks=marks, id=CASE_NAMES[CASES.index(case)])


def build(name, num_classes, image_shape, seed=0):
    torch.manual_seed(seed)
    return models.build(name, num_classes, image_shape)


def build_without_weights(name, num_classes, image_shape):
    with torch.device("meta"), pytest.MonkeyPatch.context() as patch:
        for draw in ("normal_", "uniform_", "fill_", "zero_"):  # nothing, but it takes long
            patch.setattr(torch.Tensor, draw, lambda tensor, *_, **__: tensor)
        return models.build(name, num_classes, image_shape).eval()


def num_parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def images(edge, seed=1):
    return torch.randn(4, 3, edge, edge, generator=torch.Generator().manual_seed(seed))


def assert_near(found, expected):
    scale = float(expected.abs().max())
    torch.testing.assert_close(found / scale, expected / scale, rtol=0, atol=1e-5)


# What others stand for in the slow tests too: the same blocks, only more or wider ones.
STOOD_FOR = {"airbench_half", "resnet34", "resnet56", "resnet101", "resnet110"}


@pytest.fixture(
    scope="module", params=[slow_if_in(SLOW, case) for case in CASES if case[0] not in STOOD_FOR]
)
def trained(request):
    """Name, edge and network after one backward pass, so that its statistics are its own."""
    name, edge = request.param
    network = build(name, 7, [edge, edge, 3])
    loss = functional.cross_entropy(network(images(edge)), torch.tensor([0, 1, 2, 3]))
    loss.backward()
    return name, edge, network.eval()


def test_the_package_lists_every_model_file():
    assert models.names("image_classification") == sorted([*NAMES, *LIBRARY, *PROBES])
    assert set(NAMES) <= set(models.names())
    assert "resnet8" in NAMES


def test_an_unknown_name_is_an_error_that_lists_the_models():
    with pytest.raises(ValueError, match=r"model is 'resnet9'; choose one of airbench, .*resnet8"):
        models.build("resnet9", 10, [32, 32, 3])


@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
@pytest.mark.parametrize("name", slow_if_deep(NAMES))
def test_grey_images_that_are_not_square_give_a_row_of_logits_each(name, edge):
    network = build_without_weights(name, 7, [edge, 2 * edge, 1])
    x_BKHW = torch.empty(5, 1, edge, 2 * edge, device="meta")
    with torch.no_grad():
        assert network(x_BKHW).shape == (5, 7)


@pytest.mark.parametrize("name", slow_if_deep(NAMES))
def test_two_of_the_smallest_images_are_enough_to_train(name):
    network = build_without_weights(name, 7, [8, 15, 1]).train()
    with torch.no_grad():
        assert network(torch.empty(2, 1, 8, 15, device="meta")).shape == (2, 7)


def test_gradients_reach_every_parameter(trained):
    _, _, network = trained
    for path, parameter in network.named_parameters():
        assert parameter.grad is not None, path
        assert bool(parameter.grad.isfinite().all()), path
        assert bool(parameter.grad.any()), path


def test_the_logits_are_the_classifier_of_the_features(trained):
    name, edge, network = trained
    with torch.no_grad():
        x_BKHW = images(edge)
        h_BD = network.features(x_BKHW)
        assert h_BD.shape == (4, network.classifier.in_features)
        by_hand_BC = h_BD @ network.classifier.weight.T + network.classifier.bias
        assert_near(network(x_BKHW), by_hand_BC)
        assert by_hand_BC.shape == (4, 7)
        if name not in {"linear", *GROUPS}:  # the former's features are the pixels
            assert float(h_BD.min()) >= 0  # they end with a ReLU, maybe a pool or a mean


def test_weights_read_back_from_safetensors_give_the_same_logits(trained):
    name, edge, network = trained
    stored = safetensors.torch.save(network.state_dict())
    copy = build_without_weights(name, 7, [edge, edge, 3])
    copy.load_state_dict(safetensors.torch.load(stored), assign=True)
    with torch.no_grad():
        assert torch.equal(copy(images(edge)), network(images(edge)))


def test_when_evaluated_an_image_does_not_depend_on_the_others_of_its_batch(trained):
    _, edge, network = trained
    one_BKHW, other_BKHW = images(edge, seed=2), images(edge, seed=3)
    mixed_BKHW = torch.cat([one_BKHW[:1], 10 * other_BKHW[1:]])
    with torch.no_grad():
        assert_near(network(mixed_BKHW)[:1], network(one_BKHW)[:1])


def test_initial_weights_are_decided_by_the_global_seed(trained):
    name, edge, network = trained
    again = build(name, 7, [edge, edge, 3])
    for path, parameter in again.named_parameters():
        assert torch.equal(parameter, network.get_parameter(path)), path


def test_convolutions_start_as_he_et_al_draw_them_and_those_of_alexnet_as_torch_does(trained):
    name, edge, network = trained
    if name in GROUPS:
        return
    is_torchs = (name, edge) == ("alexnet", LARGE)
    for path, part in network.named_modules():
        if isinstance(part, nn.Conv2d):
            variance = 2 / (part.out_channels * part.kernel_size[0] * part.kernel_size[1])
            if is_torchs:  # uniform between -1 and 1 over the root of the number of inputs
                variance = 1 / (3 * part.weight[0].numel())
            ratio = float(part.weight.detach().square().mean()) / variance
            # The mean of n squared normal numbers has the relative standard error sqrt(2 / n).
            assert ratio == pytest.approx(1, abs=6 * (2 / part.weight.numel()) ** 0.5), path
        if isinstance(part, nn.BatchNorm2d):
            assert bool((part.weight == 1).all()), path
            assert bool((part.bias == 0).all()), path


def test_another_seed_gives_other_weights():
    one, other = (build("resnet8", 7, [8, 8, 3], seed) for seed in (0, 1))
    assert not torch.equal(one.classifier.weight, other.classifier.weight)
    assert not torch.equal(next(one.features.parameters()), next(other.features.parameters()))


@pytest.mark.slow
def test_the_linear_layers_of_vgg_start_as_torchvision_draws_them():
    for path, part in build("vgg16", 7, [65, 65, 3]).named_modules():
        if isinstance(part, nn.Linear):
            assert float(part.weight.detach().std()) == pytest.approx(0.01, rel=0.02), path
            assert not part.bias.any(), path


@pytest.mark.parametrize("name", slow_if_deep(WITH_TWO_STEMS))
def test_the_shorter_side_of_the_images_decides_the_form(name):
    for image_shape, size in [([64, 300, 3], 3), ([300, 64, 3], 3), ([65, 65, 3], 7)]:
        stem = next(build_without_weights(name, 7, image_shape).parameters())
        assert stem.shape == (64, 3, size, size)


@pytest.mark.parametrize("name", ["alexnet", "vgg16"])
def test_all_images_of_a_form_have_the_same_weights(name):
    def shapes(height, width):
        weights = build_without_weights(name, 7, [height, width, 3]).state_dict()
        return {path: weight.shape for path, weight in weights.items()}

    assert shapes(8, 8) == shapes(32, 32) == shapes(64, 300) == shapes(300, 64)
    assert shapes(65, 65) == shapes(224, 224) != shapes(64, 64)


def test_only_the_224_pixel_forms_of_two_models_draw_while_they_train():
    drawing = {
        (name, edge)
        for name, edge in CASES
        if name not in DEEP
        for part in build_without_weights(name, 7, [edge, edge, 3]).modules()
        if isinstance(part, nn.Dropout)
    }
    assert drawing == {("alexnet", LARGE), ("vgg16", LARGE)}


@pytest.mark.parametrize(
    ("names", "edge", "last_edge"),
    [
        (["resnet10", "resnet18"], 224, 7),
        (["resnet10", "resnet18"], 32, 4),
        pytest.param(DEEP_WITH_TWO_STEMS, 224, 7, marks=pytest.mark.slow),
        pytest.param(DEEP_WITH_TWO_STEMS, 32, 4, marks=pytest.mark.slow),
        (["resnet8"], 32, 8),
        pytest.param(
            ["resnet20", "resnet56", "resnet110", "resnet164"], 32, 8, marks=pytest.mark.slow
        ),
        (["resnet8"], 8, 2),
        (["resnet8_quarter", "resnet8_stride2"], 32, 4),
        # Before the last pool.
        (["alexnet"], 224, 13),
        (["alexnet"], 32, 4),
        (["vgg16"], 224, 14),
        (["vgg16"], 32, 2),
        (["cnn5"], 32, 8),
        (["cnn_mnist"], 28, 14),
        (["airbench_quarter"], 32, 3),
        pytest.param(["airbench", "airbench_half"], 32, 3, marks=pytest.mark.slow),
    ],
)
def test_the_last_convolution_has_the_published_resolution(names, edge, last_edge):
    for name in names:
        network = build_without_weights(name, 7, [edge, edge, 3])
        seen = []
        *_, last = (part for part in network.modules() if isinstance(part, nn.Conv2d))
        last.register_forward_hook(lambda _, __, output, seen=seen: seen.append(output.shape))
        with torch.no_grad():
            network(torch.empty(2, 3, edge, edge, device="meta"))
        assert seen[0][2:] == (last_edge, last_edge), name


PUBLISHED = [
    # torchvision's table of classification weights, 1,000 classes.
    ("resnet18", 11_689_512),
    ("resnet34", 21_797_672),
    ("resnet50", 25_557_032),
    ("resnet101", 44_549_160),
    ("densenet121", 7_978_856),
    ("alexnet", 61_100_840),
    ("vgg16", 138_357_544),
    # ResNet-18 less two 3x3 convolutions and their normalisations in each stage.
    ("resnet10", 11_689_512 - sum(2 * (9 * w * w + 2 * w) for w in (64, 128, 256, 512))),
]


@pytest.mark.parametrize(("name", "published"), slow_if_deep(PUBLISHED))
def test_the_224_pixel_form_has_the_published_number_of_parameters(name, published):
    assert num_parameters(build_without_weights(name, 1000, [224, 224, 3])) == published


@pytest.mark.parametrize(
    "trained",
    [
        slow_if_in(SLOW - {"resnet18"}, case)
        for case in CASES
        if case[0] in IN_TORCHVISION and case[1] == LARGE
    ],
    indirect=True,
)
def test_the_224_pixel_form_computes_what_torchvision_computes(trained):
    import torchvision

    name, edge, network = trained
    last = IN_TORCHVISION[name]
    with torch.device("meta"):
        expected = getattr(torchvision.models, name)(num_classes=7).eval()
    last_layer = {f"{last}.{key}": value for key, value in network.classifier.state_dict().items()}
    expected.load_state_dict({**network.features.state_dict(), **last_layer}, assign=True)
    with torch.no_grad():
        assert_near(network(images(edge)), expected(images(edge)))


def pre_activation_parameters(kernels, expansion, block_counts, widths):
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


SMALL_FORM = [
    ("resnet8", pre_activation_parameters([3, 3], 1, [1, 1, 1], [16, 32, 64])),
    ("resnet8_quarter", pre_activation_parameters([3, 3], 1, [1, 1, 1], [16, 32, 64])),
    ("resnet8_stride2", pre_activation_parameters([3, 3], 1, [1, 1, 1], [32, 64, 128])),
    ("resnet10", pre_activation_parameters([3, 3], 1, [1, 1, 1, 1], [64, 128, 256, 512])),
    ("resnet18", 11_172_170),
    ("resnet34", pre_activation_parameters([3, 3], 1, [3, 4, 6, 3], [64, 128, 256, 512])),
    ("resnet50", pre_activation_parameters([1, 3, 1], 4, [3, 4, 6, 3], [64, 128, 256, 512])),
    ("resnet101", pre_activation_parameters([1, 3, 1], 4, [3, 4, 23, 3], [64, 128, 256, 512])),
    # Published as 0.27 M, 0.85 M and 1.7 M (arXiv 1512.03385, Table 6), none with projections.
    ("resnet20", 269_722 + 16 * 32 + 32 * 64),
    ("resnet56", 853_018 + 16 * 32 + 32 * 64),
    ("resnet110", 1_727_962 + 16 * 32 + 32 * 64),
    # Published as 1.7 M.
    ("resnet164", 1_703_258),
    # The convolutions of the published one, normalisations instead of biases, 512 features.
    ("vgg16", 14_714_688 + 4_224 + 512 * 10 + 10),
    # Weights and biases, layer by layer.
    ("alexnet", 1_792 + 307_392 + 663_936 + 884_992 + 590_080 + 2_570),
    ("cnn5", 896 + 18_496 + 73_856 + (4 * 4 * 128 + 1) * 256 + 2_570),
    ("cnn_mnist", 2_432 + 51_264 + (8 * 8 * 64 + 1) * 512 + 5_130),
    ("linear", 32 * 32 * 3 * 10 + 10),
    # Published as 1.97 M (arXiv 2404.00498): 24 filters of 2x2, 3x3 ones, biases, last layer.
    (
        "airbench",
        24 * 12 + 9 * (24 * 64 + 64**2 + 64 * 256 + 3 * 256**2) + 2 * (64 + 2 * 256) + 2_570,
    ),
    ("airbench_half", 24 * 12 + 9 * (24 * 32 + 32**2 + 32 * 128 + 3 * 128**2) + 576 + 1_290),
    ("airbench_quarter", 24 * 12 + 9 * (24 * 16 + 16**2 + 16 * 64 + 3 * 64**2) + 288 + 650),
    # The published one with another last layer and stem, and no normalisation in the stem.
    ("densenet121", 7_978_856 - 1025 * 990 - (49 - 9) * 3 * 64 - 2 * 64),
]


@pytest.mark.parametrize(("name", "expected"), slow_if_deep(SMALL_FORM))
def test_the_32_pixel_form_has_the_number_of_parameters_of_its_layers(name, expected):
    assert num_parameters(build_without_weights(name, 10, [32, 32, 3])) == expected


def test_the_mnist_network_has_the_number_of_parameters_of_mcmahan_et_al():
    assert num_parameters(build_without_weights("cnn_mnist", 10, [28, 28, 1])) == 1_663_370


@pytest.mark.parametrize(
    ("name", "strides", "pooled"),
    [
        ("alexnet", [2, 1, 1, 1, 1], [0, 1, 4]),
        ("cnn5", [1, 1, 1], [0, 1, 2]),
        ("cnn_mnist", [1, 1], [0, 1]),
        ("linear", [], []),
        ("vgg16", [1] * 13, [1, 3, 6, 9, 12]),
    ],
)
def test_a_plain_network_computes_its_layers_in_order(name, strides, pooled):
    edge = 32
    network = build(name, 7, [edge, edge, 3])
    network(images(edge))  # moves the running statistics away from 0 and 1
    parts = [part for part in network.eval().features.modules() if [*part.parameters(False)]]
    convolutions = [part for part in parts if isinstance(part, nn.Conv2d)]
    norms = [part for part in parts if isinstance(part, nn.BatchNorm2d)]
    hidden = [part for part in parts if isinstance(part, nn.Linear)]

    h_BDHW = images(edge)
    with torch.no_grad():
        for number, (part, stride) in enumerate(zip(convolutions, strides, strict=True)):
            padding = part.weight.shape[-1] // 2
            h_BDHW = functional.conv2d(h_BDHW, part.weight, part.bias, stride, padding)
            h_BDHW = (norms[number](h_BDHW) if norms else h_BDHW).clamp(min=0)
            if number in pooled:
                h_BDHW = h_BDHW.unfold(2, 2, 2).unfold(3, 2, 2).amax(dim=(4, 5))
        h_BD = h_BDHW.reshape(4, -1) if hidden or not convolutions else h_BDHW.mean(dim=(2, 3))
        for part in hidden:
            h_BD = (h_BD @ part.weight.T + part.bias).clamp(min=0)
        assert_near(network.features(images(edge)), h_BD)


@pytest.mark.parametrize("name", ["alexnet", "cnn5", "cnn_mnist", "linear"])
def test_a_network_without_normalisations_learns_a_few_images_by_heart(name):
    network = build(name, 4, [8, 8, 3]).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.02, momentum=0.9)
    for _ in range(40):
        optimizer.zero_grad()
        functional.cross_entropy(network(images(8)), torch.arange(4)).backward()
        optimizer.step()
    assert network(images(8)).argmax(dim=1).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("block", "kernels", "strided"),
    [(layers.basic, [3, 3], 0), (layers.bottleneck, [1, 3, 1], 1)],
    ids=["basic", "bottleneck"],
)
def test_a_pre_activation_network_computes_what_its_paper_says(block, kernels, strided):
    network = layers.PreActivationResNet(block, [1, 1, 1], [4, 8, 16], 3)
    network(images(8)).sum().backward()  # moves the running statistics away from 0 and 1
    assert all(parameter.grad is not None for parameter in network.parameters())
    weights = network.eval().state_dict()

    def activate(x_BDHW, path):
        mean, var, scale, shift = (
            weights[f"{path}.{name}"][:, None, None]
            for name in ("running_mean", "running_var", "weight", "bias")
        )
        return ((x_BDHW - mean) / (var + 1e-5).sqrt() * scale + shift).clamp(min=0)

    def convolve(x_BDHW, path, stride=1):
        kernel = weights[f"{path}.weight"]
        return functional.conv2d(x_BDHW, kernel, stride=stride, padding=kernel.shape[-1] // 2)

    h_BDHW = convolve(images(8), "stem")
    for number, stride in enumerate([1, 2, 2]):
        path = f"blocks.{number}"
        active_BDHW = branch_BDHW = activate(h_BDHW, f"{path}.norm")
        for place, kernel in enumerate(kernels):
            if place:
                branch_BDHW = activate(branch_BDHW, f"{path}.branch.{3 * place - 2}")
            assert weights[f"{path}.branch.{3 * place}.weight"].shape[2:] == (kernel, kernel)
            step = stride if place == strided else 1
            branch_BDHW = convolve(branch_BDHW, f"{path}.branch.{3 * place}", step)
        # The first block keeps the activated stem, where its width stays; others project it.
        projects = f"{path}.shortcut.weight" in weights
        assert projects == (number > 0 or block is layers.bottleneck)
        kept_BDHW = convolve(active_BDHW, f"{path}.shortcut", stride) if projects else active_BDHW
        h_BDHW = branch_BDHW + kept_BDHW
    with torch.no_grad():
        assert_near(network(images(8)), activate(h_BDHW, "norm").mean(dim=(2, 3)))


def test_a_later_block_of_a_stage_keeps_its_input_as_it_is():
    network = layers.PreActivationResNet(layers.basic, [2], [4], 3).eval()
    for path, parameter in network.named_parameters():
        if path.startswith("blocks.1.branch"):
            nn.init.zeros_(parameter)
    h_BDHW = torch.randn(2, 4, 5, 5)
    assert torch.equal(network.blocks[1](h_BDHW), h_BDHW)


def test_small_images_need_no_torchvision(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)  # importing it is now an error
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    for path in (Path(layers.__file__), MODELS / "__init__.py"):
        runpy.run_path(str(path))
    for name in sorted({*NAMES} - {*DEEP}):
        file = runpy.run_path(str(MODELS / f"{name}.py"))
        with torch.device("meta"):
            file["build"](7, [32, 32, 3])
