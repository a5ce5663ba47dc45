import io
import os
import pickle
import zipfile
from collections import OrderedDict

import pytest
import torch

from snl_video.errors import PretrainedError
from snl_video.weights.safe_reading import archives
from snl_video.weights.safe_reading.checkpoints import read_checkpoint, sha256

WEIGHTS = {"a": torch.arange(12.0).view(3, 4), "below": {"b": torch.ones(5, dtype=torch.float16)}}


class Hostile:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


def torch_zip(value):
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def torch_legacy(value):
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


def repacked(content, change, compression=zipfile.ZIP_STORED):
    """The zip file ``content`` with every member passed through ``change(name, data)``."""
    result = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(result, "w", compression) as new,
    ):
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return result.getvalue()


def zip_of(**members):
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as new:
        for name, data in members.items():
            new.writestr(name.replace("__", "/").replace("_pkl", ".pkl"), data)
    return result.getvalue()


@pytest.fixture
def put(tmp_path):
    def write(content, name="weights.pth"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def same(found):
    assert torch.equal(found["a"], WEIGHTS["a"])
    assert torch.equal(found["below"]["b"], WEIGHTS["below"]["b"])
    assert found["below"]["b"].dtype == torch.float16


@pytest.mark.parametrize("name", ["w.pth", "w.pyth", "w.pt", "w.ckpt", "w"])
@pytest.mark.parametrize("write", [torch_zip, torch_legacy])
def test_files_of_torch_save_are_read_whatever_their_name(put, write, name):
    same(read_checkpoint(put(write({**WEIGHTS, "epoch": 3}), name)))


def test_parameters_ordered_dictionaries_and_shared_storages_are_read(put):
    layer = torch.nn.Linear(3, 2)
    state = OrderedDict(layer.state_dict(), view=layer.weight[0], own=layer.bias)
    found = read_checkpoint(put(torch_zip(state)))
    assert torch.equal(found["view"], layer.weight[0])
    assert torch.equal(found["own"], layer.bias)


def test_safetensors_are_read(put):
    save = pytest.importorskip("safetensors.torch").save
    found = read_checkpoint(put(save({"a": WEIGHTS["a"]}), "w.safetensors"))
    assert torch.equal(found["a"], WEIGHTS["a"])


def test_sha256_is_that_of_the_bytes(put):
    # the digest of "abc" in FIPS 180-2, appendix B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(put(b"abc")) == expected


@pytest.mark.parametrize(
    "pack",
    [
        torch_zip,
        torch_legacy,
        *(lambda value, p=p: pickle.dumps(value, p) for p in range(6)),
    ],
    ids=["zip", "legacy", *(f"pickle{p}" for p in range(6))],
)
@pytest.mark.parametrize("name", ["w.pth", "w.pkl", "w.ckpt"])
def test_a_pickle_that_runs_something_is_refused_and_not_run(put, tmp_path, pack, name):
    marker = tmp_path / "ran"
    path = put(pack({"a": Hostile(marker)}), name)
    with pytest.raises(PretrainedError) as caught:
        read_checkpoint(path)
    assert not marker.exists()
    assert str(path) in str(caught.value)
    if pack in (torch_zip, torch_legacy):
        message = str(caught.value)
        assert "refused: it would call posix.system" in message or "nt.system" in message
        assert "nothing of it was run, and nothing in this package converts a file" in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"is empty \(0 bytes\): download it again"),
        (b"\n <!DOCTYPE html><title>404", "a web page, a download that failed"),
        (b"\xef\xbb\xbf<html>", "a web page"),
        (b"<?xml version='1.0'?><Error>", "an XML text"),
        (b"version https://git-lfs/spec/v1\noid sha256", "pointer of Git LFS .*git lfs pull"),
        (b"\x1f\x8b\x08\x00", "gzip archive; unpack it first"),
        (bytes(range(7, 255)), "no file of weights: it begins with b'.x07"),
        (b"PK\x03\x04 and no more", "cut short or broken .BadZipFile"),
        (zip_of(w__notes="x"), "zip file, but not one of torch.save .no data.pkl"),
        (zip_of(w__data_pkl=b"N.", w__constants_pkl=b"N."), "it is a TorchScript program"),
        (zip_of(w__data_pkl=b"\x80\x02garbage"), "cut short or broken"),
        (torch_zip([torch.ones(2)]), "holds a list, not a dictionary of named tensors"),
        (torch_zip(torch.ones(2)), "holds a Tensor, not a dictionary"),
        (torch_zip({0: torch.ones(2)}), "holds a dict, not a dictionary of named"),
        (torch_zip({"epoch": 1, "name": "x"}), "holds no tensor, only 'epoch', 'name': save the"),
        (torch_zip({}), "holds no tensor, only nothing"),
        (torch_legacy([1, 2]), "holds a list"),
        (torch_zip({"a": torch.ones(3, 3).to_sparse()}), "a is no plain tensor .torch.sparse_coo"),
        (torch_zip({"a": torch.ones(3, device="meta")}), "a is no plain tensor .*meta"),
    ],
)
def test_what_is_no_checkpoint_is_named(put, content, message):
    path = put(content)
    with pytest.raises(PretrainedError, match=message) as caught:
        read_checkpoint(path)
    assert str(path) in str(caught.value)


def test_absent_files_and_folders_are_named(tmp_path):
    with pytest.raises(PretrainedError, match=r"none\.pth does not exist: name a file"):
        read_checkpoint(tmp_path / "none.pth")
    with pytest.raises(PretrainedError, match="is a folder: name a file"):
        read_checkpoint(tmp_path)
    os.mkfifo(tmp_path / "pipe.pth")
    with pytest.raises(PretrainedError, match=r"pipe\.pth is no regular file"):
        read_checkpoint(tmp_path / "pipe.pth")


def test_a_file_that_may_not_be_read_is_named(put, monkeypatch):
    path = put(torch_zip(WEIGHTS))

    def refuse(self, *args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(PretrainedError, match=r"weights\.pth cannot be read .*Permission denied"):
        read_checkpoint(path)


@pytest.mark.parametrize("write", [torch_zip, torch_legacy])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_named(put, write, share):
    content = write(WEIGHTS)
    path = put(content[: int(len(content) * share)])
    with pytest.raises(PretrainedError, match=r"cut short or broken .*: download it again"):
        read_checkpoint(path)


def unread(monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("torch read the file")

    monkeypatch.setattr(torch, "load", fail)


def test_a_zip_bomb_is_refused_before_torch_reads_it(put, monkeypatch):
    weights = torch_zip({"a": torch.zeros(1_000_000)})
    bomb = put(repacked(weights, lambda name, data: data, zipfile.ZIP_DEFLATED))
    assert bomb.stat().st_size < 100_000
    unread(monkeypatch)
    with pytest.raises(PretrainedError, match=r"refused: its \d+ bytes declare 400\d{4} bytes"):
        read_checkpoint(bomb)
    monkeypatch.undo()
    monkeypatch.setattr(archives, "MAX_EXPANSION", 1000)
    assert read_checkpoint(bomb)["a"].shape == (1_000_000,)


def test_tensor_data_that_is_not_in_a_zip_file_is_not_read(put, monkeypatch):
    weights = torch_zip({"a": torch.ones(1000)})
    short = repacked(weights, lambda name, data: data[:16] if name.endswith("/data/0") else data)
    unread(monkeypatch)
    with pytest.raises(PretrainedError, match="declares 4000 bytes for the tensor data '0' and h"):
        read_checkpoint(put(short))


def test_tensor_data_that_is_not_in_an_old_file_is_not_allocated(put, monkeypatch):
    content = torch_legacy({"a": torch.ones(10)})
    ten, most = b"K\n", b"J\xff\xff\xff\x7f"
    before, cpu, after = content.partition(b"X\x03\x00\x00\x00cpuq")
    assert after[1:3] == ten
    huge = before + cpu + after[:1] + most + after[3:]
    unread(monkeypatch)
    with pytest.raises(PretrainedError, match=f"declares {4 * (2**31 - 1)} bytes for its ten"):
        read_checkpoint(put(huge))


def test_a_tensor_larger_than_its_data_is_refused(put):
    path = put(torch_zip({"deep": {"a": torch.ones(1).expand(10**12)}}))
    with pytest.raises(PretrainedError, match=r"deep\.a of \(1000000000000,\) would take 4000000"):
        read_checkpoint(path)


def test_a_dictionary_that_holds_itself_is_read(put):
    loop = {"a": torch.ones(2)}
    loop["self"] = loop
    assert torch.equal(read_checkpoint(put(torch_zip(loop)))["a"], torch.ones(2))


def test_a_name_twice_in_a_zip_file_is_refused(put):
    file = io.BytesIO(torch_zip(WEIGHTS))
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(archive.namelist()[0], b"another")
    with pytest.raises(PretrainedError, match="several files of one name"):
        read_checkpoint(put(file.getvalue()))


def test_a_broken_safetensors_file_is_named(put):
    save = pytest.importorskip("safetensors.torch").save
    content = save({"a": torch.ones(100)})
    for broken in (content[:-7], content[:30], b"\xff" * 8 + content[8:], b"no safetensors"):
        with pytest.raises(PretrainedError, match=r"broken .Safetensor.*download it again"):
            read_checkpoint(put(broken, "w.safetensors"))


@pytest.mark.parametrize("write", [torch_zip, torch_legacy, "safetensors"])
def test_damaged_bytes_never_raise_anything_else(put, write):
    if write == "safetensors":
        content = pytest.importorskip("safetensors.torch").save({"a": WEIGHTS["a"]})
    else:
        content = write(WEIGHTS)
    generator = torch.Generator().manual_seed(0)
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        position = int(torch.randint(len(content), (), generator=generator))
        damaged[position] ^= 1 << int(torch.randint(8, (), generator=generator))
        try:
            read_checkpoint(put(bytes(damaged)))
        except PretrainedError:
            refused += 1
    assert refused > 0
