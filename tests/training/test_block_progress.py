"""What is logged of blocks in training."""

import pytest

from snl_video.models.block_gains import block_gains
from snl_video.models.insertion import inserted_blocks
from snl_video.training.callbacks.block_progress import BlockProgress
from tests.training.tiny import TinyData, classifier, trainer


def test_gain_and_branch_are_those_of_the_end_of_the_epoch(tmp_path):
    model = classifier("c2d_r50", non_local={"kind": "snl", "places": ["res3.1", "res4.2"]})
    assert block_gains(model.network) == {"res3.1": 0, "res4.2": 0}
    ratios = []

    def note(_, inputs, output):
        if model.training:
            ratios.append(float((output - inputs[0]).norm().detach() / inputs[0].norm().detach()))

    inserted_blocks(model.network)["res4.2"].register_forward_hook(note)
    run = trainer(tmp_path, callbacks=[BlockProgress()], limit_val_batches=0)
    run.fit(model, TinyData())
    logged = run.callback_metrics
    for place, gain in block_gains(model.network).items():
        assert gain > 0
        assert float(logged[f"blocks/{place}/gain"]) == pytest.approx(gain)
    assert len(ratios) == 4
    assert float(logged["blocks/res4.2/branch"]) == pytest.approx(ratios[-1])
    assert ratios[-1] > 0


def test_a_network_without_blocks_logs_none(tmp_path):
    run = trainer(tmp_path, callbacks=[BlockProgress()], limit_val_batches=0)
    run.fit(classifier("c2d_r50"), TinyData())
    assert not [name for name in run.callback_metrics if name.startswith("blocks/")]
