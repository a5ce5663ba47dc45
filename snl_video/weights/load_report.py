"""What loading weights did: which went where, and what stayed new."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table

from snl_video.whole_files import write_whole
from snl_video.wording import first_few


class Mismatch(NamedTuple):
    """A tensor of another size: the sizes in the file and in the network."""

    name: str
    theirs: tuple[int, ...]
    ours: tuple[int, ...]


@dataclass(frozen=True)
class LoadReport:
    """What `load_pretrained` did.

    Names are those of the network without blocks (``trunk.blocks.0.conv.weight``), and of a block
    by its place (``non_local.res4.4.theta.weight``).

    Attributes:
        source: the file.
        format: which layout it had, e.g. ``pytorchvideo``.
        sha256: of the file.
        loaded: what was copied into the network.
        missing: what the network has and the file has not, new head and new blocks left out.
        unexpected: what the file has and the network has not, or could not use alone.
        mismatched: of another size in the file; the network's own values stayed.
        new_head: the classifying layer keeps its random weights.
        head_classes: number of classes of the file's classifying layer, None if it has none.
        new_blocks: places of the blocks that keep their initial weights, the identity.
        backbone_share: share of the numbers (parameters and buffers) of the backbone, head and
            blocks left out, that were loaded; 0 to 1.
    """

    source: str
    format: str
    sha256: str
    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[Mismatch, ...]
    new_head: bool
    head_classes: int | None
    new_blocks: tuple[str, ...]
    backbone_share: float

    def to_dict(self) -> dict[str, Any]:
        """Plain types only, fit for JSON and for a checkpoint."""
        mismatched = [
            {"name": name, "theirs": list(theirs), "ours": list(ours)}
            for name, theirs, ours in self.mismatched
        ]
        plain = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        return {**plain, "mismatched": mismatched}

    def write_json(self, path: str | Path) -> None:
        """Write `to_dict`, for the folder of a run."""
        write_whole(Path(path), json.dumps(self.to_dict(), indent=2) + "\n")

    def sentence(self) -> str:
        """Say in one line which file it was and what of the network is new."""
        parts = [f"{self.backbone_share:.2%} of the backbone loaded"]
        parts.append(self._head())
        if self.new_blocks:
            parts.append(f"new blocks at {', '.join(self.new_blocks)}")
        return f"{self.source} (format {self.format}, sha256 {self.sha256}): {', '.join(parts)}"

    def table(self) -> Table:
        """Render the counts and the first names of each group for the terminal."""
        table = Table(
            title=f"{self.backbone_share:.2%} of the backbone loaded", title_justify="left"
        )
        table.add_column("weights")
        table.add_column("tensors", justify="right")
        table.add_column("names", overflow="fold")
        table.add_row("file", "", f"{self.source}, format {self.format}, sha256 {self.sha256}")
        table.add_row("loaded", str(len(self.loaded)), "")
        for title, names in (
            ("missing", self.missing),
            ("unexpected", self.unexpected),
            ("mismatched", tuple(map(describe, self.mismatched))),
        ):
            table.add_row(title, str(len(names)), first_few(names))
        table.add_row("head", "", self._head())
        if self.new_blocks:
            table.add_row("blocks", "", f"new, the identity: {', '.join(self.new_blocks)}")
        return table

    def _head(self) -> str:
        if not self.new_head:
            return "head loaded"
        file = "no head" if self.head_classes is None else f"{self.head_classes} classes"
        return f"new, random head ({file} in the file)"


def describe(mismatch: Mismatch) -> str:
    """One mismatch in words: name, size in the file, size in the network."""
    return f"{mismatch.name}: {_size(mismatch.theirs)} in the file, {_size(mismatch.ours)} here"


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a number"
