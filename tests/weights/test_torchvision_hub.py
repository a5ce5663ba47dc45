"""torchvision's own weights by name: fetched once, checked, kept, and loaded."""

import shutil
from urllib.error import URLError

import pytest
import torch
from torchvision.models import get_model

from snl_video.errors import FetchError, PretrainedError
from snl_video.inference.stored_model import read_stored_model
from snl_video.weights import build_model, known_classes, load_pretrained, torchvision_hub
from snl_video.weights.safe_reading.checkpoints import sha256
from snl_video.weights.torchvision_hub import fetch_torchvision, torchvision_weights
from tests.weights.cases import logits

SOURCE = "torchvision:mc3_18"


@pytest.fixture(scope="module")
def peer():
    torch.manual_seed(0)
    return get_model("mc3_18").eval()


@pytest.fixture
def server(peer, tmp_path, monkeypatch):
    """Stands for the server; ``fetched`` counts, and the checksum in the name is the file's."""
    torch.save(peer.state_dict(), tmp_path / "file.pth")
    name = f"mc3_18-{sha256(tmp_path / 'file.pth')[:8]}.pth"
    row = torchvision_weights(SOURCE)

    class Row:
        url, meta, fetched = f"https://example.invalid/{name}", row.meta, 0

    def download(url, target, start, progress):
        assert (url, progress) == (Row.url, False)
        if not (tmp_path / "file.pth").is_file():
            raise URLError("no route")
        Row.fetched += 1
        shutil.copy(tmp_path / "file.pth", target)

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    monkeypatch.setattr(torchvision_hub, "torchvision_weights", lambda source: Row)
    Row.file = tmp_path / "file.pth"
    return Row


def test_the_file_is_fetched_once_and_again_when_it_is_damaged(server):
    path = fetch_torchvision(SOURCE)
    assert fetch_torchvision(SOURCE) == path
    assert (server.fetched, path.parent.name) == (1, "checkpoints")
    path.write_bytes(path.read_bytes()[:-1])
    assert sha256(fetch_torchvision(SOURCE)) == sha256(server.file)
    assert server.fetched == 2


def test_without_network_the_remedy_is_told(server):
    server.file.unlink()
    with pytest.raises(FetchError, match=r"mc3_18-\w{8}\.pth: .*no route.*name it as the source"):
        fetch_torchvision(SOURCE)


def test_the_weights_give_the_logits_of_torchvision(server, peer):
    network = build_model("torchvision:mc3_18", 400, pretrained=SOURCE)
    clip = torch.rand(1, 3, 4, 32, 32)
    torch.testing.assert_close(logits(network, clip), logits(peer, clip))


def test_a_name_alone_is_a_model_to_predict_with(server):
    stored = read_stored_model(SOURCE)
    assert len(stored.classes) == 400
    assert stored.classes[0] == "abseiling"
    assert stored.data["clip"] == {"num_frames": 16, "interval": 2}
    assert stored.data["crop"] == {"size": 112, "short_side": 128}
    assert "res4.0" in stored.network.places


def test_the_classes_of_weights_come_with_them():
    assert known_classes("torchvision:swin3d_t")[399] == "zumba"
    assert len(known_classes("torchvision:resnet50")) == 1000


def test_other_weights_of_a_network_have_a_name():
    named = torchvision_weights("torchvision:swin3d_b:KINETICS400_IMAGENET22K_V1")
    assert named.url != torchvision_weights("torchvision:swin3d_b").url
    with pytest.raises(
        PretrainedError, match="no weights 'V9'; it has KINETICS400_V1, KINETICS400"
    ):
        torchvision_weights("torchvision:swin3d_b:V9")
    with pytest.raises(PretrainedError, match="torchvision has no network 'r3d_19'"):
        load_pretrained(build_model("x3d_xs", 5, width=8), "torchvision:r3d_19")
