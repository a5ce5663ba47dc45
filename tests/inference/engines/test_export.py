"""Exported files answer as the network, know what they are, and are refused where they don't."""

import dataclasses

import pytest
import torch

from snl_video.blocks import BLOCKS
from snl_video.data.clips import ClipSettings
from snl_video.errors import InputError, UsageError
from snl_video.evaluation.views import ViewSetting
from snl_video.inference.engines import export_model as exporting
from snl_video.inference.engines.build_engine import open_engine
from snl_video.inference.engines.export_model import FORMS, ExportForm, export_model
from snl_video.inference.engines.exported_facts import ExportedFacts
from snl_video.inference.engines.parity import Parity, generated_clips, parity_table
from snl_video.inference.recognizer import load_model
from snl_video.inference.stored_model import StoredModel
from snl_video.inference.viewing import Frames, Viewing
from tests.inference.engines.networks import CLASSES, SIZES, network_of
from tests.inference.engines.test_engines import NEEDS

PACKAGES = {"onnx": NEEDS["onnxruntime"], "openvino": NEEDS["openvino"], "torch": []}
KINDS = (None, *BLOCKS)
CASES = [
    (backbone, kind, tuple(FORMS)[(i + j) % len(FORMS)])
    for i, backbone in enumerate(SIZES)
    for j, kind in enumerate(KINDS)
]
VIEWING = Viewing(ClipSettings(8, 2), short_side=36, size=32, views=ViewSetting(2, 1))


def stored_of(backbone="c2d_r50", kind="snl"):
    """A network as if it had been read, with the settings of its data."""
    num_frames, size = SIZES[backbone]
    data = {
        "root": "/secret",
        "clip": {"num_frames": num_frames, "interval": 2},
        "crop": {"size": size, "short_side": size + 4},
        "views": {"num_clips": 2, "num_crops": 1},
    }
    names = [f"class {i}" for i in range(CLASSES)]
    network = network_of(backbone, kind)
    return StoredModel(network, names, data, {"average": "logits"}, "runs/mine")


def exported(stored, form, folder):
    """The file of a network, its facts and its comparison with the network."""
    for package in PACKAGES[form]:
        pytest.importorskip(package, reason=f"--to {form} needs it")
    viewing = Viewing.of_training(stored.data, stored.evaluation)
    file = folder / f"net{FORMS[form].suffix}"
    return file, *export_model(stored, viewing, form, file, generated_clips(viewing, 3))


@pytest.mark.slow
@pytest.mark.parametrize(("backbone", "kind", "form"), CASES, ids=str)
def test_every_network_can_be_exported(backbone, kind, form, tmp_path):
    _, facts, rows = exported(stored_of(backbone, kind), form, tmp_path)
    assert rows[0].num_clips == 3
    assert rows[1].largest <= 1e-4 * max(1, rows[1].scale)
    assert rows[1].agreed == 3
    any_length = backbone.startswith(("i3d_r", "c2d", "slow_"))
    assert facts.num_frames == (None if any_length else SIZES[backbone][0])


@pytest.fixture(scope="module")
def onnx_file(tmp_path_factory):
    return exported(stored_of(), "onnx", tmp_path_factory.mktemp("export"))[0]


def test_a_file_knows_classes_and_clips_and_no_paths(onnx_file):
    _, facts = open_engine(onnx_file)
    assert facts.classes == [f"class {i}" for i in range(CLASSES)]
    assert facts.data["clip"] == {"num_frames": 8, "interval": 2}
    assert facts.evaluation == {"average": "logits"}
    assert (facts.num_frames, facts.size, facts.source) == (None, 32, "runs/mine")
    assert "/secret" not in facts.to_json()


def test_a_file_recognises_as_its_network(onnx_file):
    stored, found = stored_of(), load_model(onnx_file)
    frames = torch.randint(256, (40, 48, 64, 3), dtype=torch.uint8)
    expected = [
        stored.network(stored.network.normalise(part)).detach()
        for part in found.viewing.batches(Frames(frames))
    ]
    assert torch.allclose(found.scores(frames), torch.cat(expected).mean(0).softmax(0), atol=1e-5)
    assert found.with_views("1x1").engine is found.engine
    assert "onnxruntime fp32" in repr(found)
    with pytest.raises(InputError, match="can't be looked into"):
        found.features(frames)


def test_an_onnx_file_runs_in_openvino_too(onnx_file):
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    clips = next(generated_clips(VIEWING, 1))
    engines = [open_engine(onnx_file, backend)[0] for backend in ("onnxruntime", "openvino")]
    assert torch.allclose(engines[0](clips), engines[1](clips), atol=1e-4)
    assert open_engine(onnx_file, "openvino")[1] == open_engine(onnx_file)[1]


def test_other_files_are_refused(onnx_file, tmp_path):
    onnx = pytest.importorskip("onnx")
    with pytest.raises(UsageError, match="onnxruntime or openvino, not by torch"):
        open_engine(onnx_file, "torch")
    with pytest.raises(UsageError, match="no file"):
        open_engine(tmp_path / "none.onnx")
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(onnx_file.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"cut\.onnx"):
        open_engine(cut)
    model = onnx.load(onnx_file)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "foreign.onnx")
    with pytest.raises(InputError, match="not written by `snl-video export`"):
        open_engine(tmp_path / "foreign.onnx")


def test_facts_of_another_version_are_refused():
    with pytest.raises(InputError, match="another version"):
        ExportedFacts.from_json('{"classes": [], "new": 1}', "a.onnx")


def test_a_file_that_answers_otherwise_is_removed(tmp_path, monkeypatch):
    right = Parity("torch fp32", 3, 0.0, 2.0, 3, 1.0)
    wrong = dataclasses.replace(right, largest=3e-4)
    form = ExportForm(".pt2", lambda: None, lambda _, file, __: file.touch(), lambda _: [])
    monkeypatch.setitem(FORMS, "torch", form)
    monkeypatch.setattr(exporting, "capture_any_length", lambda *_: "a program")
    monkeypatch.setattr(exporting, "clips_shape", lambda _: [-1, 3, 8, 32, 32])
    monkeypatch.setattr(exporting, "compare_engines", lambda *_: [right, wrong])
    with pytest.raises(InputError, match=r"by 3.0e-04 of 2"):
        exported(stored_of(), "torch", tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_suffix_must_be_that_of_the_form(tmp_path):
    with pytest.raises(UsageError, match=r"writes a \.onnx file"):
        export_model(stored_of(), VIEWING, "onnx", tmp_path / "a.pt2", [])


def test_the_table_shows_agreement_and_speed():
    rows = [Parity("torch fp32", 4, 0.0, 2.0, 4, 0.2), Parity("x", 4, 1e-5, 2.0, 3, 0.1)]
    assert parity_table(rows).splitlines()[-1] == "| x | 1.0e-05 of 2 | 3 of 4 | 100.0 | 2.00 |"
