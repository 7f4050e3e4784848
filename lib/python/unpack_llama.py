"""Unpacks llama.cpp out of the source distribution of llama-cpp-python. Called by lib/llm/llama_cpp_source.ts.

Only plain files inside `*/vendor/llama.cpp/` are written, and none outside the target, whatever the archive says.
"""

import argparse
import os
import shutil
import sys
import tarfile
from pathlib import Path, PurePosixPath

ROOT = ("vendor", "llama.cpp")
# Test data, texts and pictures: two thirds of the archive, needed by neither the converter nor the programs.
SKIPPED = {"models", "docs", "media", "benches", ".github"}


def inner(name):
    """Path below llama.cpp, or None for what is not wanted."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or any(c in name for c in "\\:\0"):
        raise ValueError(f"the archive holds an unsafe path: {name!r}")
    parts = path.parts[1:]
    if parts[: len(ROOT)] != ROOT or len(parts) <= len(ROOT) or parts[len(ROOT)] in SKIPPED:
        return None
    return PurePosixPath(*parts[len(ROOT) :])


def unpack(archive, target):
    count = 0
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            path = inner(member.name)
            # A link could lead out of the folder; the distribution has none. A file named .git would make CMake ask
            # git about a repository that is not there.
            if path is None or not member.isreg() or path.name == ".git":
                continue
            place = target.joinpath(*path.parts)
            place.parent.mkdir(parents=True, exist_ok=True)
            with tar.extractfile(member) as source, open(place, "wb") as file:
                shutil.copyfileobj(source, file)
            if member.mode & 0o100:
                os.chmod(place, 0o755)
            count += 1
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("target", type=Path)
    args = parser.parse_args()
    try:
        count = unpack(args.archive, args.target)
    except (ValueError, tarfile.TarError, EOFError) as error:
        sys.exit(f"Cannot unpack {args.archive.name}: {error}")
    if count == 0:
        sys.exit(f"Cannot unpack {args.archive.name}: there is no llama.cpp in it")
    print(f"{count} files")


if __name__ == "__main__":
    main()
