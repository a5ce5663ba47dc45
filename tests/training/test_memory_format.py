"""The layout of clips in memory: the same numbers whichever it is."""

import pytest
import torch

from snl_video.models import NonLocalSpec
from tests.training.tiny import Clips, classifier


@pytest.mark.parametrize(
    ("backbone", "kind"),
    [("i3d_r50", "nl"), ("slow_r50", "cgnl"), ("i3d_inception", "gsnl"), ("i3d_inception", "cc")],
)
def test_channels_last_gives_the_same_logits_and_gradients(backbone, kind):
    clips = torch.stack([Clips(2)[i]["clips"][0] for i in range(2)])
    blocks = NonLocalSpec(kind=kind, places="paper")
    model = classifier(backbone, non_local=blocks).double().eval()
    layouts, results = [], []
    model.network.trunk.register_forward_pre_hook(
        lambda _, inputs: layouts.append(
            inputs[0].is_contiguous(memory_format=torch.channels_last_3d)
        )
    )
    for model.channels_last in (False, True):
        model.zero_grad()
        logits = model(clips)
        logits.square().sum().backward()
        gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
        results.append((logits, gradients))
    assert layouts == [False, True]
    torch.testing.assert_close(results[1], results[0])
    assert any(gradient.any() for gradient in results[1][1].values())
