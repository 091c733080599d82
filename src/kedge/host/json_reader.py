"""Read JSON lines (one object a line) as typed batches, with errors that name the line and the field.

The file is cut at line ends into blocks, so that pyarrow parses a block at a time and every error has a line number.
"""

from __future__ import annotations

__all__ = ["open_json_lines"]

import io
import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from kedge.exceptions import UsageError
from kedge.host.batch_source import Source
from kedge.host.text_types import MOMENTS, BadValue, convert, shown, suggested_type, type_hint

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from pathlib import Path

    from kedge.host.formats import Compression

_BLOCK_BYTES = 1 << 20
_LONGEST_LINE_BYTES = 64 << 20
_SAMPLE_BLOCKS = 4
# The largest power of two up to which a double holds every whole number.
_SAFE_INTEGER = 2.0**53


def open_json_lines(path: Path, compression: Compression | None, types: Mapping[str, pa.DataType]) -> Source:
    """Open a file with one JSON object a line, UTF-8 with or without BOM.

    The fields are those of the first 4 MiB, in the order in which they appear, and those of ``types``. A field's type
    is the one that ``types`` says, otherwise what its values in the first 4 MiB suggest; texts that all are ISO 8601
    dates, times or timestamps become such. A field that a line lacks is null. Objects and arrays become structs and
    lists.

    Raises UsageError for an empty file, an array around the objects and text that is not UTF-8; while reading, for a
    line that is not an object, a value that does not fit its field, and a field that the first 4 MiB do not have.
    """
    blocks = _blocks(path, compression)
    sample = _sample(path, blocks)
    parsed = _parse_sample(sample, types)
    suggested = {
        field.name: suggested_type(column, MOMENTS) if pa.types.is_string(field.type) else field.type
        for field, column in zip(parsed.schema, parsed.columns, strict=True)
    }
    schema = pa.schema({**suggested, **types})
    file = _JsonFile(path, schema, {name for name in suggested if name not in types})
    return Source(str(path), schema, file.batches(sample, blocks), blocks.close)


class _Block(NamedTuple):
    """Whole lines of a file; ``line`` is the number of the first, from 1."""

    path: Path
    line: int
    text: bytes

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield number and text of each line that holds something."""
        for number, text in enumerate(self.text.split(b"\n"), start=self.line):
            if text.strip():
                yield number, text


@dataclass(frozen=True)
class _JsonFile:
    """How the lines of one file become batches; ``suggested`` names the fields whose type nobody asked for."""

    path: Path
    schema: pa.Schema
    suggested: set[str]

    def batches(self, first: _Block, blocks: Iterator[_Block]) -> Iterator[pa.RecordBatch]:
        yield from self._typed(first)
        for block in blocks:
            yield from self._typed(block)

    def _typed(self, block: _Block) -> Iterator[pa.RecordBatch]:
        if not block.text.strip():
            return
        schema = _as_parsed(self.schema)
        try:
            table = _read(block.text, schema)
        except pa.ArrowInvalid as error:
            raise _unparsable(block, error, schema) from None
        columns = [
            self._typed_column(block, field, column)
            for field, column in zip(self.schema, table.select(self.schema.names).columns, strict=True)
        ]
        yield from pa.Table.from_arrays(columns, schema=self.schema).to_batches()

    def _typed_column(self, block: _Block, field: pa.Field, column: pa.ChunkedArray) -> pa.Array:
        suggested = field.name in self.suggested
        if suggested and pa.types.is_floating(field.type):
            _refuse_rounded(block, field, column)
        try:
            return convert(column.combine_chunks(), field.type, suggested=False)
        except BadValue as bad:
            line = [number for number, _ in block.lines()][bad.row]
            raise _misfit(self.path, line, field.name, bad.problem, suggested=suggested) from None


def _blocks(path: Path, compression: Compression | None) -> Generator[_Block, None, None]:
    """Yield the file in blocks of whole lines of about 1 MiB, each checked to be UTF-8."""
    line, rest = 1, b""
    try:
        with pa.input_stream(str(path), compression=compression) as stream:
            while data := stream.read(_BLOCK_BYTES):
                head, newline, tail = data.rpartition(b"\n")
                if newline:
                    yield (block := _checked(path, line, rest + head + newline))
                    line, rest = line + block.text.count(b"\n"), tail
                else:
                    rest += tail
                if len(rest) > _LONGEST_LINE_BYTES:
                    raise UsageError(f"{path}, line {line}: longer than 64 MiB; each line must hold one object")
    except OSError as error:
        raise UsageError(f"{path} cannot be read to its end: {error}") from None
    if rest:
        yield _checked(path, line, rest)


def _checked(path: Path, line: int, text: bytes) -> _Block:
    text = text.removeprefix(b"\xef\xbb\xbf") if line == 1 else text
    try:
        text.decode()
    except UnicodeDecodeError as error:
        line += text.count(b"\n", 0, error.start)
        raise UsageError(f"{path}, line {line}: the text is not UTF-8; save the file as UTF-8") from None
    return _Block(path, line, text)


def _sample(path: Path, blocks: Iterator[_Block]) -> _Block:
    """Return the first 4 MiB as one block."""
    text = b"".join(block.text for block in itertools.islice(blocks, _SAMPLE_BLOCKS))
    if not text.strip():
        raise UsageError(f"{path} is empty; a line with one JSON object for each record is needed")
    if text.lstrip().startswith(b"["):
        raise UsageError(f"{path} holds a JSON array; write one object a line (jq -c '.[]' does it)")
    return _Block(path, 1, text)


def _parse_sample(sample: _Block, types: Mapping[str, pa.DataType]) -> pa.Table:
    """Parse the sample as pyarrow sees fit, but with texts and fields without a value as text."""
    try:
        seen = _read(sample.text, None).schema
    except pa.ArrowInvalid as error:
        raise _unparsable(sample, error, None) from None
    if not seen.names:
        raise UsageError(f"{sample.path} has no fields in its first 4 MiB")
    wanted = {field.name: types.get(field.name, field.type) for field in seen}
    schema = _as_parsed(pa.schema(wanted))
    try:
        return _read(sample.text, schema)
    except pa.ArrowInvalid as error:
        raise _unparsable(sample, error, schema) from None


def _as_parsed(schema: pa.Schema) -> pa.Schema:
    """Return the schema for pyarrow's parser: dates, times and what has no value yet are text there."""
    return pa.schema((f.name, pa.string() if _is_text_in_json(f.type) else f.type) for f in schema)


def _is_text_in_json(type_: pa.DataType) -> bool:
    return bool(
        pa.types.is_date(type_) or pa.types.is_time(type_) or pa.types.is_timestamp(type_) or type_ == pa.null()
    )


def _read(text: bytes, schema: pa.Schema | None) -> pa.Table:
    unexpected = "error" if schema is not None else "infer"
    return pa.json.read_json(
        io.BytesIO(text),
        pa.json.ReadOptions(use_threads=False, block_size=len(text) + 1),
        pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior=unexpected),
    )


def _refuse_rounded(block: _Block, field: pa.Field, column: pa.ChunkedArray) -> None:
    """Refuse whole numbers that a double would round."""
    largest = pc.max(pc.abs(column)).as_py()
    if largest is None or largest < _SAFE_INTEGER:
        return
    for number, text in block.lines():
        record = json.loads(text)
        value = record.get(field.name) if isinstance(record, dict) else None
        if isinstance(value, int) and int(float(value)) != value:
            problem = f"{value} would be rounded as {field.type}"
            raise _misfit(block.path, number, field.name, problem, suggested=True, example="decimal(38, 0)")


def _misfit(path: Path, line: int, name: str, problem: str, *, suggested: bool, example: str = "string") -> UsageError:
    text = f"{path}, line {line}, field {name!r}: {problem}"
    if not suggested:
        return UsageError(f"{text}, the type given for this field")
    hint = type_hint(name, example)
    return UsageError(f"{text}, the type that the first 4 MiB suggest; give the field its type, such as {hint}")


def _unparsable(block: _Block, error: pa.ArrowInvalid, schema: pa.Schema | None) -> UsageError:
    """Find the line, and where the line is JSON the field, that pyarrow refused."""
    lines = list(block.lines())
    good = _parsable(lines, schema)
    if good == len(lines):
        return UsageError(f"{block.path}, from line {block.line}: {error}; each line must hold one object")
    number, text = lines[good]
    place = f"{block.path}, line {number}"
    try:
        record = json.loads(text)
    except ValueError as malformed:
        return UsageError(f"{place} is not JSON: {malformed}; each line must hold one object")
    if not isinstance(record, dict):
        return UsageError(f"{place} holds {shown(record)}, not an object; each line must hold one object")
    if schema is not None and (unknown := record.keys() - set(schema.names)):
        name = min(unknown)
        hint = type_hint(name, "string")
        return UsageError(f"{place}: field {name!r} is not in the first 4 MiB; give it a type, such as {hint}")
    known = schema if schema is not None else _read(b"\n".join(text for _, text in lines[:good]) or b"{}", None).schema
    fault = next((fault for name in known.names if (fault := _refused_field(record, name, known))), str(error))
    return UsageError(f"{place}, {fault}")


def _parsable(lines: list[tuple[int, bytes]], schema: pa.Schema | None) -> int:
    """Return how many lines from the first on parse together."""
    good, bad = 0, len(lines) + 1
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            _read(b"\n".join(text for _, text in lines[:middle]), schema)
        except pa.ArrowInvalid:
            bad = middle
        else:
            good = middle
    return good


def _refused_field(record: dict[str, object], name: str, schema: pa.Schema) -> str | None:
    """Return how the value of a field does not fit its type, None if it does."""
    if name not in record:
        return None
    try:
        _read(json.dumps({name: record[name]}).encode(), pa.schema([schema.field(name)]))
    except pa.ArrowInvalid:
        type_ = schema.field(name).type
        hint = f", such as {type_hint(name, 'double')}" if pa.types.is_integer(type_) else ""
        return f"field {name!r}: {shown(record[name])} does not fit {type_}; give it a type for all values{hint}"
    return None
