"""Networks that others wrote are the reference: their weights, and their logits with them."""

import json
from functools import partial

import pytest
import torch
from pytorchvideo.models.csn import create_csn
from pytorchvideo.models.hub.vision_transformers import mvit_video_base_config
from pytorchvideo.models.r2plus1d import create_r2plus1d
from pytorchvideo.models.vision_transformers import create_multiscale_vision_transformers
from pytorchvideo.models.x3d import create_x3d
from torchvision.models import get_model, get_model_weights

from snl_video.models import insert_blocks
from snl_video.weights import build_model, known_classes, load_pretrained
from tests.models.small_backbones import EVERY, small, small_clip
from tests.weights.cases import randomise

X3D = {"stem_dim_in": 1, "head_dim_out": 256, "input_clip_length": 8, "input_crop_size": 32}
MVIT = {**mvit_video_base_config, "spatial_size": 32, "patch_embed_dim": 12}
POOL = {"stem_dim_out": 8, "head_pool_kernel_size": (2, 1, 1)}
PYTORCHVIDEO = {
    "x3d_xs": partial(create_x3d, depth_factor=2.2, **X3D),
    "x3d_l": partial(create_x3d, depth_factor=5.0, **X3D),
    "r2plus1d_r50": partial(create_r2plus1d, **POOL),
    "csn_r101": partial(
        create_csn,
        model_depth=101,
        stem_pool=torch.nn.MaxPool3d,
        stem_dim_out=8,
        head_pool_kernel_size=(1, 1, 1),
    ),
    "mvit_b_16x4": partial(create_multiscale_vision_transformers, **{**MVIT, "temporal_size": 4}),
    "mvit_b_32x3": partial(create_multiscale_vision_transformers, **{**MVIT, "temporal_size": 8}),
}
TORCHVISION = [
    backbone for backbone in EVERY if "torchvision:" in str(getattr(backbone, "values", backbone))
]


def holds(network, path, format, expected, clip):
    """Every weight is loaded, and the logits are those of the peer, with new blocks too."""
    report = load_pretrained(network.eval(), path)
    assert (report.format, report.backbone_share, report.new_head) == (format, 1.0, False)
    assert (report.missing, report.unexpected, report.mismatched) == ((), (), ())
    with torch.no_grad():
        torch.testing.assert_close(network(clip), expected, rtol=1e-5, atol=1e-5)
        insert_blocks(network, {"places": "five"})
        torch.testing.assert_close(network(clip), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("backbone", PYTORCHVIDEO)
def test_the_logits_are_pytorchvideos(backbone, tmp_path):
    classes = "head_num_classes" if backbone.startswith("mvit") else "model_num_class"
    peer = randomise(PYTORCHVIDEO[backbone](**{classes: 5})).eval()
    for module in peer.modules():
        if isinstance(getattr(module, "activation", None), torch.nn.Softmax):
            module.activation = None  # of its head, over the classes
    torch.save({"model_state": peer.state_dict()}, tmp_path / "peer.pyth")
    clip = small_clip(backbone)
    with torch.no_grad():
        expected = peer(clip)
    assert expected.std() > 1e-3
    holds(small(backbone, seed=9), tmp_path / "peer.pyth", "pytorchvideo", expected, clip)


@pytest.mark.parametrize("backbone", TORCHVISION)
def test_the_logits_are_torchvisions(backbone, tmp_path):
    name = backbone.removeprefix("torchvision:")
    torch.manual_seed(2)
    peer = get_model(name, num_classes=5).eval()
    torch.save(peer.state_dict(), tmp_path / "peer.pth")
    clip = small_clip(backbone)
    with torch.no_grad():
        expected = peer(clip)
    network = small(backbone, seed=9)
    holds(network, tmp_path / "peer.pth", "torchvision_video", expected, clip)
    pixels = torch.randint(256, (3, 2, 8, 8), dtype=torch.uint8)
    transforms = get_model_weights(name).DEFAULT.transforms()
    wanted = (pixels / 255 - torch.tensor(transforms.mean).view(3, 1, 1, 1)) / torch.tensor(
        transforms.std
    ).view(3, 1, 1, 1)
    torch.testing.assert_close(network.normalise(pixels), wanted)


SIZES = {"hidden_size": 16, "num_hidden_layers": 6, "num_attention_heads": 2, "patch_size": 8}
VJEPA = {"pred_hidden_size": 16, "pred_num_attention_heads": 2, "pred_num_hidden_layers": 1}
HUGGING_FACE = {
    "VideoMAE": {"image_size": 32, "num_frames": 8},
    "Timesformer": {"image_size": 32, "num_frames": 6},
    "VJEPA2": {"crop_size": 32, "frames_per_clip": 8, "num_pooler_layers": 1, **VJEPA},
    "Vivit": {"image_size": 32, "num_frames": 8, "tubelet_size": [2, 8, 8]},
}


@pytest.mark.parametrize("name", HUGGING_FACE)
def test_the_logits_are_hugging_faces(name, tmp_path):
    transformers = pytest.importorskip("transformers", reason="needs the extra hf")
    names = {0: "walk", 1: "run", 2: "sit"}
    config = getattr(transformers, f"{name}Config")(**SIZES, **HUGGING_FACE[name], id2label=names)
    torch.manual_seed(2)
    peer = getattr(transformers, f"{name}ForVideoClassification")(config).eval()
    peer.save_pretrained(tmp_path)
    statistics = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(statistics))
    frames, size = HUGGING_FACE[name].get("num_frames", 8), 32
    clip = torch.rand(2, 3, frames, size, size)
    with torch.no_grad():
        expected = peer(**{peer.main_input_name: clip.transpose(1, 2)}).logits
    network = build_model(f"transformers:{tmp_path}", 3)
    assert network.pixel_mean.tolist() == pytest.approx(statistics["image_mean"])
    assert known_classes(str(tmp_path)) == ["walk", "run", "sit"]
    holds(network, tmp_path, "hugging_face", expected, clip)
    assert len(network.non_local) == 5
    with pytest.raises(ValueError, match=r"leave model\.width at 64"):
        build_model(f"transformers:{tmp_path}", 3, width=8)


def test_a_folder_without_a_network_is_named(tmp_path):
    pytest.importorskip("transformers", reason="needs the extra hf")
    with pytest.raises(ValueError, match=r"has no config\.json: name a folder"):
        build_model(f"transformers:{tmp_path}", 3)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ValueError, match="holds no video network of transformers"):
        build_model(f"transformers:{tmp_path}", 3)
