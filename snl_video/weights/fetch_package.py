"""Fetch a source package as pip would find it, and run nothing of it.

    python -c "$(cat fetch_package.py)" NAME VERSION SHA256 FILE

`pip download` runs the package's own code for its metadata, with build tools that it fetches too.
So only pip's settings (index, mirrors, proxies, certificates, names and passwords) and its finder
are used here, in a process of their own, since pip promises neither to importers.
"""

import sys
from pathlib import Path
from typing import Any

from pip._internal.commands import create_command
from pip._internal.utils.hashes import Hashes
from pip._vendor.packaging.specifiers import SpecifierSet

PLAIN = {"Accept-Encoding": "identity"}
"""So that a server sends the archive as it is."""


def fetch(name: str, version: str, sha256: str, file: Path) -> None:
    """Write the archive of a source package; its checksum is for the caller to compare."""
    pip: Any = create_command("download")
    options, _ = pip.parse_args(["--no-binary", ":all:", name])
    with pip.main_context():
        session = pip.get_default_session(options)
        finder = pip._build_package_finder(options, session)
        hashes = Hashes({"sha256": [sha256]})
        found = finder.find_best_candidate(name, SpecifierSet(f"=={version}"), hashes)
        if found.best_candidate is None:
            sys.exit(f"pip's index has no source package {name} {version} of that checksum")
        address = found.best_candidate.link.url_without_fragment
        answer = session.get(address, headers=PLAIN, stream=True)
        answer.raise_for_status()
        with file.open("wb") as out:
            for part in answer.iter_content(1 << 20):
                out.write(part)


if __name__ == "__main__":
    fetch(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))
