from dataclasses import replace

import pytest
import torch

from snl_video.errors import PretrainedError
from snl_video.weights import PretrainedSpec, build_model
from snl_video.weights.formats import FORMATS
from snl_video.weights.load_to_evaluate import (
    PUBLISHED_WITH,
    hint_of_protocol,
    load_to_evaluate,
)
from tests.training.tiny import classifier

NAMES = ["a", "b", "c", "d"]
HEAD = "trunk.blocks.5.proj.weight"


@pytest.fixture
def published(tmp_path):
    """Saves the weights of a network of four classes, changed: (network, path)."""

    def save(change=lambda weights: None, **settings):
        network = classifier(**settings).network
        weights = {name: value.clone() for name, value in network.state_dict().items()}
        change(weights)
        torch.save(weights, tmp_path / "published.pth")
        return network, PretrainedSpec(str(tmp_path / "published.pth"))

    return save


def test_weights_are_evaluated_as_they_are(published):
    theirs, spec = published()
    for blocks in (None, {"kind": "snl"}):
        torch.manual_seed(1)
        network = build_model("slow_r50", 4, width=8, dropout=0.0, non_local=blocks).eval()
        report = load_to_evaluate(network, spec, NAMES)
        assert (report.new_head, report.backbone_share) == (False, 1.0)
        clips = torch.randn(1, 3, 4, 32, 32)
        with torch.no_grad():
            assert torch.equal(network(clips), theirs.eval()(clips))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop(HEAD), "has no head and the data have 4 classes"),
        (
            lambda w: w.update({HEAD: w[HEAD][:3]}),
            "has a head of 3 classes and the data have 4 classes",
        ),
        (lambda w: w.pop(HEAD.replace("weight", "bias")), "has a part of a head of 4 classes"),
        (
            lambda w: w.pop("trunk.blocks.0.norm.weight"),
            r"not of this very network(.|\n)*missing in the file: trunk\.blocks\.0\.norm\.weight",
        ),
        (
            lambda w: w.update({"trunk.blocks.0.norm.weight": torch.ones(9)}),
            r"of another size: trunk\.blocks\.0\.norm\.weight: 9 in the file, 8 here",
        ),
        (
            lambda w: w.update({"trunk.blocks.7.gate": torch.ones(9)}),
            r"without a place in the network: trunk\.blocks\.7\.gate",
        ),
    ],
)
def test_weights_of_another_network_are_not_evaluated(published, change, message):
    _, spec = published(change)
    with pytest.raises(PretrainedError, match=message):
        load_to_evaluate(classifier().network, spec, NAMES)


def test_trained_blocks_are_not_left_out_of_an_evaluation(published):
    _, spec = published(non_local={"kind": "snl"})
    with pytest.raises(
        PretrainedError, match=r"without a place in the network: non_local\.res4\.4\.theta"
    ):
        load_to_evaluate(classifier().network, spec, NAMES)
    report = load_to_evaluate(classifier(non_local={"kind": "snl"}).network, spec, NAMES)
    assert report.new_blocks == ()


def test_weights_of_another_protocol_are_told(published):
    assert set(PUBLISHED_WITH) <= set(FORMATS)
    _, spec = published()
    report = load_to_evaluate(build_model("slow_r50", 4, width=8, dropout=0.0), spec, NAMES)
    assert hint_of_protocol(report, "snl_video") == hint_of_protocol(report, "pyslowfast") == ""
    theirs = replace(report, format="slowfast")
    assert "of protocol pyslowfast, and this one is of snl_video" in hint_of_protocol(
        theirs, "snl_video"
    )
    assert hint_of_protocol(theirs, "pyslowfast") == ""
