"""The authors' blocks: outputs, training outputs, input gradients, and refusals."""

import pytest
import torch

from snl_video.blocks import build_block
from snl_video.blocks.reference_weights import load_reference_weights
from tests.blocks import golden


def relative_error(out: torch.Tensor, reference: torch.Tensor) -> float:
    return float(((out - reference).norm() / reference.norm()).detach())


# The gradient in this file is itself 2.0e-5 from its float64 value (the kernel is nearly constant
# and the group norm takes the constant away); the next test holds ours to float64 instead.
ROUNDED = {"cgnl_c16_p8_s4_2x3x5x4": 3e-5}


@pytest.mark.parametrize("name", golden.NAMES)
def test_outputs_and_gradient_are_the_authors(name: str) -> None:
    block, values = golden.loaded(name)
    assert relative_error(block.eval()(values["input"]), values["output_eval"]) < 1e-5
    x = values["input"].clone().requires_grad_()
    out = block.train()(x)
    assert relative_error(out, values["output_train"]) < 1e-5
    (out * torch.arange(out.numel()).view_as(out).cos()).sum().backward()
    assert relative_error(x.grad, values["grad_input"]) < ROUNDED.get(name, 1e-5)


@pytest.mark.parametrize("name", golden.NAMES)
def test_float32_agrees_with_float64(name: str) -> None:
    block, values = golden.loaded(name)
    results = []
    for dtype in (torch.float64, torch.float32):
        x = values["input"].to(dtype).requires_grad_()
        out = block.to(dtype).train()(x)
        (out * torch.arange(out.numel(), dtype=dtype).view_as(out).cos()).sum().backward()
        results.append((out.detach(), x.grad))
    for single, double in zip(results[1], results[0], strict=True):
        assert relative_error(single, double) < 1e-5


def test_a_block_of_another_form_is_refused_with_every_difference() -> None:
    values = golden.read("snl_c16_p8_s2_2x3x5x4")
    block = build_block("snl", 16, 4)
    before = {name: value.clone() for name, value in block.state_dict().items()}
    with pytest.raises(ValueError, match="do not fit") as error:
        load_reference_weights(block, golden.weights(values))
    message = str(error.value)
    assert "option relu: the block has False, the authors' True" in message
    assert "theta.weight: given [8, 16, 1, 1, 1], block [4, 16, 1, 1, 1]" in message
    assert "units.1.g.weight: not in the block" in message
    for name, value in block.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_missing_weight_is_named() -> None:
    name = "nl_c16_p8_s1_2x3x5x4"
    given = golden.weights(golden.read(name))
    del given["p.weight"]
    with pytest.raises(ValueError, match=r"phi\.weight: missing"):
        load_reference_weights(golden.block_for(name), given)


def test_a_kind_without_released_code_is_refused() -> None:
    with pytest.raises(ValueError, match="kind gsnl"):
        load_reference_weights(build_block("gsnl", 16), {})
