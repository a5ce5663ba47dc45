"""Every engine gives the logits of the network, and says what it cannot do."""

from functools import cache, partial

import numpy as np
import pytest
import torch

from snl_video.errors import InputError, UsageError
from snl_video.inference.engines import engine as engines
from snl_video.inference.engines.build_engine import build_engine
from snl_video.inference.engines.capture import capture, capture_any_length, clips_shape
from snl_video.inference.engines.torch_engine import TorchEngine
from tests.inference.engines.networks import clips_of, network_of

SIZES = {"num_frames": 8, "size": 32}
NEEDS = {"onnxruntime": ["onnx", "onnxscript", "onnxruntime"], "openvino": ["openvino"]}


@pytest.fixture(scope="module")
def network():
    return network_of("c2d_r50", "snl")


@pytest.fixture(scope="module")
def expected(network):
    """Logits of three clips in float64, and the clips."""
    clips = clips_of(3, **SIZES)
    wide = network_of("c2d_r50", "snl").double()
    with torch.no_grad():
        return clips, wide(wide.normalise(clips)).float()


@pytest.fixture(scope="module")
def engine_of(network):
    """Backend -> its engine in float32, made once."""
    return cache(partial(engine_or_skip, network))


def engine_or_skip(network, backend, precision="fp32"):
    for package in NEEDS.get(backend, []):
        pytest.importorskip(package, reason=f"the extra of {backend} is not installed")
    return build_engine(network, backend, precision, device="cpu", **SIZES)


@pytest.mark.parametrize("backend", ["torch", "onnxruntime", "openvino"])
def test_float32_is_that_of_the_network(engine_of, expected, backend):
    engine = engine_of(backend)
    clips, logits = expected
    found = engine(clips)
    assert engine.name == f"{backend} fp32"
    assert logits.std() > 0.1
    assert torch.allclose(found, logits, atol=1e-4)
    assert torch.equal(engine(clips), found)
    assert torch.allclose(engine(clips[:1]), logits[:1], atol=1e-4)


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_bfloat16_is_near_it(network, expected, backend):
    engine = engine_or_skip(network, backend, "bf16")
    clips, logits = expected
    found = engine(clips)
    assert engine.name == f"{backend} bf16"
    assert found.dtype == torch.float32
    assert 0 < (found - logits).abs().max() < 0.03 * logits.abs().max()
    assert torch.equal(found.argmax(1), logits.argmax(1))


def test_bfloat16_leaves_the_network_as_it_was(network):
    TorchEngine(network, "cpu", precision="bf16")
    assert {value.dtype for value in network.parameters()} == {torch.float32}


@pytest.mark.slow
def test_a_resnet_is_captured_for_any_length(network):
    program = capture_any_length(network, 8, 32)
    assert clips_shape(program) == [-1, 3, -1, 32, 32]
    longer = clips_of(1, 24, 32)
    with torch.no_grad():
        expected = network(network.normalise(longer))
        assert torch.allclose(program.module()(longer), expected, atol=1e-4)


@pytest.mark.slow
def test_a_slowfast_is_captured_for_its_length_only():
    network = network_of("slowfast_r50_4x16")
    assert capture_any_length(network, 32, 32) is None
    assert clips_shape(capture(network, 32, 32)) == [-1, 3, 32, 32, 32]


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_a_missing_package_is_one_sentence(network, backend, monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(engines, "import_module", absent)
    with pytest.raises(InputError, match=r"^this needs \w+: pip install 'snl_video\[\w+\]'$"):
        build_engine(network, backend, **SIZES)


def test_a_missing_compiler_is_one_sentence(network, monkeypatch):
    monkeypatch.setenv("CXX", "no_such_compiler")
    with pytest.raises(InputError, match="no no_such_compiler"):
        build_engine(network, "compile", **SIZES)


def test_what_a_backend_cannot_do_is_refused(network):
    with pytest.raises(UsageError, match="fp32 on a CPU"):
        build_engine(network, "onnxruntime", "bf16", **SIZES)
    with pytest.raises(UsageError, match="not on cuda"):
        build_engine(network, "openvino", device="cuda", **SIZES)


def test_clips_stay_as_they_are(engine_of, expected):
    clips, _ = expected
    before = clips.numpy().copy()
    engine_of("onnxruntime")(clips)
    assert np.array_equal(clips.numpy(), before)
