"""Every way of writing the weights that a training starts from."""

import pytest
import yaml

from snl_video.commands.video_cli import VideoCLI
from snl_video.errors import UsageError
from snl_video.training import PretrainedWeights
from snl_video.weights import PretrainedSpec


def parse(*arguments):
    """Parse as ``snl-video fit`` does and return the weights that the run would start from."""
    words = ["fit", "--run_dir=/nowhere", "--model.width=8", *arguments]
    given = VideoCLI(words, run=False).config.pretrained
    if given is None:
        return None
    return PretrainedWeights(given if isinstance(given, str) else vars(given)).spec


@pytest.mark.parametrize(
    ("settings", "options", "spec"),
    [
        (None, [], None),
        ("kinetics400", [], PretrainedSpec("kinetics400")),
        (
            {"source": "resnet50.pth", "format": "torchvision", "inflation": "centre"},
            [],
            PretrainedSpec("resnet50.pth", "torchvision", 0.9, "centre"),
        ),
        (
            {"source": "a.pth"},
            ["--pretrained.min_share=0.5"],
            PretrainedSpec("a.pth", "auto", 0.5),
        ),
        ({"source": "a.pth"}, ["--pretrained=b.pth"], PretrainedSpec("b.pth")),
        ("kinetics400", ["--pretrained=null"], None),
        (None, ["--pretrained=b.pth"], PretrainedSpec("b.pth")),
        (
            None,
            ["--pretrained.source=b.pth", "--pretrained.format=torchvision"],
            PretrainedSpec("b.pth", "torchvision"),
        ),
    ],
)
def test_every_way_of_writing_the_spec(tmp_path, settings, options, spec):
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({"pretrained": settings}))
    assert parse(f"--config={path}", *options) == spec


def test_an_unknown_key_of_the_spec_is_named(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({"pretrained": {"source": "a", "inflate": 1}}))
    with pytest.raises(UsageError, match="inflate"):
        parse(f"--config={path}")
