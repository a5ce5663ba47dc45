"""A relations data set that the package writes by itself, in UCF101's layout."""

from __future__ import annotations

from snl_video.data.addresses import is_address
from snl_video.data.formats.ucf101 import UCF101


class SyntheticRelations(UCF101):
    """A task whose answer needs far places compared.

    Any written with `snl_video.data.synthetic.relations`; the default one is written to the root
    if nothing is there.
    """

    def prepare(self) -> None:
        """Write the default task, unless there is one; nothing is written to an address."""
        from snl_video.data.synthetic.relations import write_relations  # it is also a command

        if not is_address(self.root) and not self._written():
            write_relations(self.root)

    def read_classes(self) -> list[str]:
        """Class names, those of the default task before it is written."""
        from snl_video.data.synthetic.relations import RelationsSettings

        return super().read_classes() if self._written() else RelationsSettings().classes

    def _written(self) -> bool:
        return (self.folder / "relations.json").is_file()
