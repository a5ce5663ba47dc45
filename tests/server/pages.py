"""A narrow network with two blocks, and the page of it."""

import torch

from snl_video.data.clips import ClipSettings
from snl_video.evaluation.views import ViewSetting
from snl_video.inference.recognizer import Recognizer
from snl_video.inference.viewing import Viewing
from snl_video.weights import build_model

CLASSES = ["jump", "run", "<b>sit</b>"]
PLACE = "res3.1"


def recognizer(non_local=True):
    torch.manual_seed(0)
    spec = {"kind": "snl", "places": [PLACE, "res4.1"]} if non_local else None
    network = build_model("c2d_r50", len(CLASSES), width=8, dropout=0.0, non_local=spec)
    viewing = Viewing(ClipSettings(6, 3), short_side=64, size=64, views=ViewSetting(1, 1))
    return Recognizer(network, CLASSES, viewing, source="test", device="cpu")
