"""Activations that are computed again: the same gradients and statistics with less memory."""

import pytest
import torch

from tests.training.tiny import Clips, classifier, state_of


@pytest.mark.parametrize("backbone", ["i3d_r50", "slowfast_r50_8x8", "i3d_inception"])
@pytest.mark.parametrize("frozen_norms", [False, True])
def test_the_same_step_with_less_memory(backbone, frozen_norms):
    clips = torch.stack([Clips(2, num_frames=8)[i]["clips"][0] for i in range(2)])
    found, saved = [], []
    for again in (False, True):
        model = classifier(backbone, non_local={"kind": "snl"}, activation_checkpointing=again)
        model.train(not frozen_norms)
        kept = {}

        def keep(tensor, kept=kept):
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss = model.loss(model(clips), torch.arange(2))
            saved.append(sum(kept.values()))
            loss.backward()
        gradients = {name: p.grad for name, p in model.named_parameters()}
        found.append((loss, gradients, state_of(model)))
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=0)
    assert saved[1] < 0.6 * saved[0]
