"""How a module lays out the features it returns, and the way to (B, C, T, H, W) and back."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod

import torch
from torch import Tensor

from snl_video.errors import NetworkError

MAP = "BCTHW"
EXAMPLES = "BCTHW, BTHWC, BCHW, (BT)CHW or B(THW)C"


@dataclass(frozen=True)
class FeatureLayout:
    """The axes of a feature map, in the order in which the tensor has them.

    Attributes:
        axes: a letter an axis, B, C and some of T, H, W; letters in parentheses share one axis, the
            last of them changing fastest: ``BCTHW``, ``BTHWC``, ``BCHW`` (images, each by itself),
            ``(BT)CHW`` (images that are the frames of clips), ``B(THW)C`` (tokens).
        sizes: of those of T, H and W that share an axis, e.g. ``{"T": 8, "H": 14, "W": 14}``.
        extra_tokens: tokens before those of the grid, such as class tokens; a block leaves them as
            they are.

    Raises:
        NetworkError: no such axes, or a size is missing.
    """

    axes: str = MAP
    sizes: Mapping[str, int] = field(default_factory=dict)
    extra_tokens: int = 0
    groups: list[str] = field(init=False, repr=False, compare=False)
    """The letters of each axis of the tensor."""

    def __post_init__(self) -> None:
        found = re.findall(r"\([BTHW]+\)|[BCTHW]", self.axes)
        object.__setattr__(self, "groups", [group.strip("()") for group in found])
        letters = "".join(self.groups)
        whole = re.fullmatch(r"(?:\([BTHW]{2,}\)|[BCTHW])+", self.axes)
        if not whole or not {"B", "C"} <= set(letters) or len(set(letters)) < len(letters):
            raise NetworkError(f"layout {self.axes!r}: a layout is like {EXAMPLES}")
        shared = "".join(group for group in self.groups if len(group) > 1)
        missing = [axis for axis in shared if axis != "B" and self.sizes.get(axis, 0) < 1]
        if missing or not set(self.sizes) <= set(shared):
            raise NetworkError(
                f"layout {self.axes}: sizes must give {', '.join(shared.replace('B', ''))} and no "
                f"other axis, got {dict(self.sizes)}"
            )

    def __str__(self) -> str:
        sizes = ", ".join(f"{axis}={size}" for axis, size in self.sizes.items())
        extra = f", {self.extra_tokens} extra tokens" if self.extra_tokens else ""
        return f"{self.axes} with {sizes}{extra}" if sizes else self.axes

    def channels(self, shape: torch.Size) -> int:
        """C of features of this shape.

        Raises:
            NetworkError: features of this shape can't be laid out so.
        """
        if len(shape) != len(self.groups):
            raise NetworkError(f"features of shape {tuple(shape)} are not laid out as {self}")
        for group, size in zip(self.groups, shape, strict=True):
            known = prod([self.sizes[axis] for axis in group if axis in self.sizes])
            folds = size % known == 0 if "B" in group else size == known + self.extra_tokens
            if len(group) > 1 and not folds:
                raise NetworkError(
                    f"features of shape {tuple(shape)} are not laid out as {self}: insert the "
                    "block with an example of the size of your clips, or state another layout"
                )
        return shape[self.groups.index("C")]

    def positions(self, shape: torch.Size) -> int:
        """N = T H W of one clip of features of this shape."""
        size = {**dict(zip(self.groups, shape, strict=True)), **self.sizes}
        return prod(size.get(axis, 1) for axis in "THW")

    def apply(self, block: Callable[[Tensor], Tensor], features: Tensor) -> Tensor:
        """Give ``features`` to ``block`` as (B, C, T, H, W) and lay its answer out as they were."""
        if self.axes == MAP:
            return block(features)
        self.channels(features.shape)
        if not self.extra_tokens:
            return self._from_map(block(self._to_map(features)))
        shared = [i for i, group in enumerate(self.groups) if len(group) > 1 and "B" not in group]
        axis = shared[0]
        extra, grid = features.tensor_split([self.extra_tokens], dim=axis)
        return torch.cat([extra, self._from_map(block(self._to_map(grid)))], dim=axis)

    def _to_map(self, features: Tensor) -> Tensor:
        for number, group in reversed(list(enumerate(self.groups))):
            if len(group) > 1:
                sizes = [self.sizes.get(axis, -1) for axis in group]
                features = features.unflatten(number, sizes)
        for _ in range(len(MAP) - features.ndim):
            features = features.unsqueeze(-1)
        return features.permute([self._order().index(axis) for axis in MAP])

    def _from_map(self, maps: Tensor) -> Tensor:
        features = maps.permute([MAP.index(axis) for axis in self._order()])
        features = features.flatten(len("".join(self.groups)) - 1)
        for number, group in enumerate(self.groups):
            if len(group) > 1:
                features = features.flatten(number, number + len(group) - 1)
        return features.contiguous()

    def _order(self) -> list[str]:
        letters = list("".join(self.groups))
        return letters + [axis for axis in MAP if axis not in letters]
