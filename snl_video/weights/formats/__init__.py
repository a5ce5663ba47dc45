"""How each publisher lays out weights: one file a publisher, and one row a layout."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from torch import Tensor

from snl_video.models.network import VideoNetwork
from snl_video.weights.formats import (
    inception,
    mmaction,
    own,
    peer_networks,
    pyslowfast,
    pytorchvideo,
    torchvision,
)
from snl_video.weights.formats.pyslowfast import caffe2


class Format(NamedTuple):
    """One layout of weights.

    Attributes:
        recognises: whether a checkpoint has it.
        convert: its tensors by canonical name (see `canonical_names`), as
            far as it knows them; an unknown name stays as it is.
        of_images: the kernels have no axis of time and are inflated.
    """

    recognises: Callable[[Mapping[str, Any]], bool]
    convert: Callable[[Mapping[str, Any], VideoNetwork], dict[str, Tensor]]
    of_images: bool = False


FORMATS: dict[str, Format] = {
    "snl_video": Format(own.recognises, own.convert),
    "pytorchvideo": Format(pytorchvideo.recognises, pytorchvideo.convert),
    "torchvision": Format(torchvision.recognises, torchvision.convert, of_images=True),
    "inception_pytorch": Format(inception.is_port, inception.from_port),
    "deepmind": Format(inception.is_deepminds, inception.from_deepmind),
    "slowfast": Format(pyslowfast.recognises, pyslowfast.convert),
    "caffe2": Format(caffe2.recognises, caffe2.convert),
    "torchvision_video": Format(peer_networks.is_torchvision, peer_networks.from_torchvision),
    "hugging_face": Format(peer_networks.is_hugging_face, peer_networks.from_hugging_face),
    "mmaction": Format(mmaction.recognises, mmaction.convert),
}
"""Name of a layout -> how it is read. A program may add a row."""
