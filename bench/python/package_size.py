"""Prints the size of a deployment package with these files and folders, unzipped and zipped, in bytes."""

import io
import pathlib
import sys
import zipfile

files = []
for path in map(pathlib.Path, sys.argv[1:]):
    below = sorted(path.rglob("*")) if path.is_dir() else [path]
    # Python's own caches are not part of a package.
    files += [(file, file.relative_to(path.parent)) for file in below if file.is_file() and "__pycache__" not in file.parts]

package = io.BytesIO()
with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for file, name in files:
        archive.write(file, name)

print(sum(file.stat().st_size for file, _ in files), len(package.getvalue()))
