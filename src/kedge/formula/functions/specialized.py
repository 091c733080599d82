"""Functions for the web, for checksums and sounds, for files by their names, and for the machine around."""

from __future__ import annotations

__all__ = ["FUNCTIONS"]

import hashlib
import ntpath
import os
import unicodedata
import uuid
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from kedge.formula import sql
from kedge.formula.functions.family import engine, lowered
from kedge.formula.typed import Example, Function, Nulls, takes
from kedge.formula.types import BOOL, DOUBLE, V_WSTRING, v_wstring

if TYPE_CHECKING:
    from sqlglot import exp

    from kedge.formula.typed import Apply

_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
_SOUNDS: Final = {
    letter: digit
    for letters, digit in (("BFPV", "1"), ("CGJKQSXZ", "2"), ("DT", "3"), ("L", "4"), ("MN", "5"), ("R", "6"))
    for letter in letters
}


def _escape_sql(_: Apply, text: exp.Expr) -> exp.Expr:
    return reduce(
        lambda done, pair: sql.call("replace", done, sql.text(pair[0]), sql.text(pair[1])),
        _ENTITIES.items(),
        text,
    )


def _plain(text: str) -> str:
    """Take accents off, write compound characters as letters, and drop what is then no ASCII."""
    parted = unicodedata.normalize("NFKD", text)
    return lowered(parted.encode("ascii", "ignore").decode("ascii"))


def _soundex(text: str) -> str:
    letters = [each for each in text.upper() if each.isascii() and each.isalpha()]
    if not letters:
        return text
    codes, before = "", _SOUNDS.get(letters[0], "")
    for letter in letters[1:]:
        code = _SOUNDS.get(letter, "")
        if code and code != before:
            codes += code
        before = before if letter in "HW" else code
    return f"{letters[0]}{codes}000"[:4]


def _soundex_digits(text: str) -> str:
    digits = "".join(each for each in text if each in "0123456789")[:4]
    return digits or _soundex(text)


def _median_of_ranges(*values: float) -> float | None:
    """Find the half of all counts, and its place in the range that holds it."""
    edges, counts = (values[0], *values[1::2]), values[2::2]
    half, passed = sum(counts) / 2, 0.0
    for low, high, count in zip(edges, edges[1:], counts, strict=False):
        if count and passed + count >= half:
            return low + (high - low) * (half - passed) / count
        passed += count
    return None


def _joined(folder: str, file: str) -> str:
    return f"{folder.rstrip('/').rstrip(chr(92))}{chr(92)}{file.lstrip('/').lstrip(chr(92))}"


def _folder(path: str) -> str:
    return path[: len(path) - len(ntpath.basename(path))].rstrip("\\/")


def _message(_kind: str, _text: str, value: Any) -> Any:
    return value


FUNCTIONS: Final = (
    Function(
        name="UuidCreate",
        parameters=(),
        result=v_wstring(36),
        python=lambda: str(uuid.uuid4()),
        sql=lambda _: sql.cast(sql.call("uuid"), V_WSTRING),
        pure=False,
        summary="A new unique identifier.",
        examples=(Example("Length(UuidCreate())", 36),),
    ),
    Function(
        name="MD5_ASCII",
        parameters=takes("text s"),
        result=v_wstring(32),
        python=lambda s: hashlib.md5(s.encode("ascii", "replace"), usedforsecurity=False).hexdigest(),
        summary="The MD5 checksum of the text in ASCII.",
        examples=(
            Example("MD5_ASCII('abc')", "900150983cd24fb0d6963f7d28e17f72"),
            Example("MD5_ASCII(NULL())", None),
        ),
    ),
    Function(
        name="MD5_UNICODE",
        parameters=takes("text s"),
        result=v_wstring(32),
        python=lambda s: hashlib.md5(s.encode("utf-16-le"), usedforsecurity=False).hexdigest(),
        summary="The MD5 checksum of the text in UTF-16, as Windows holds it.",
        examples=(Example("MD5_UNICODE('abc')", "ce1473cf80c6b3fda8e3dfc006adc315"),),
    ),
    Function(
        name="MD5_UTF8",
        parameters=takes("text s"),
        result=v_wstring(32),
        python=lambda s: hashlib.md5(s.encode(), usedforsecurity=False).hexdigest(),
        sql=engine("md5"),
        summary="The MD5 checksum of the text in UTF-8.",
        examples=(Example("MD5_UTF8('é')", hashlib.md5("é".encode()).hexdigest()),),  # noqa: S324
    ),
    Function(
        name="EscapeXMLMetacharacters",
        parameters=takes("text s"),
        result=V_WSTRING,
        python=lambda s: s.translate(str.maketrans(_ENTITIES)),
        sql=_escape_sql,
        summary="The text with `& < > \" '` as XML writes them.",
        examples=(
            Example("EscapeXMLMetacharacters('a<b&\"c\"')", "a&lt;b&amp;&quot;c&quot;"),
            Example("EscapeXMLMetacharacters(NULL())", None),
        ),
    ),
    Function(
        name="UrlEncode",
        parameters=takes("text s"),
        result=V_WSTRING,
        python=lambda s: quote(s, safe=""),
        sql=engine("url_encode"),
        summary="The text as a part of a web address.",
        note="Which signs stay as they are is not documented; here letters, digits and `-_.~` do.",
        examples=(Example("UrlEncode('a b/é')", "a%20b%2F%C3%A9"), Example("UrlEncode(NULL())", None)),
    ),
    Function(
        name="DecomposeUnicodeForMatch",
        parameters=takes("text s"),
        result=V_WSTRING,
        python=_plain,
        summary="The text in lower case, without accents, in ASCII letters.",
        examples=(
            Example("DecomposeUnicodeForMatch('Prénoms Français')", "prenoms francais"),
            Example("DecomposeUnicodeForMatch(NULL())", None),
        ),
    ),
    Function(
        name="Soundex",
        parameters=takes("text s"),
        result=V_WSTRING,
        python=_soundex,
        summary="The Soundex code of a name: names that sound alike have the same.",
        examples=(
            Example("Soundex('Robert')", "R163"),
            Example("Soundex('Rupert')", "R163"),
            Example("Soundex('Ashcraft')", "A261"),
            Example("Soundex('12')", "12"),
            Example("Soundex(NULL())", None),
        ),
    ),
    Function(
        name="Soundex_Digits",
        parameters=takes("text s"),
        result=V_WSTRING,
        python=_soundex_digits,
        summary="The first four digits of the text, or its Soundex code when it has none.",
        examples=(Example("Soundex_Digits('3825 Iris')", "3825"), Example("Soundex_Digits('Iris')", "I620")),
    ),
    Function(
        name="RangeMedian",
        parameters=takes("double start, double ends_and_counts..."),
        result=DOUBLE,
        python=_median_of_ranges,
        partial=True,
        summary="The median of counts in ranges: the first start, then the end and count of each range.",
        note="The order of the arguments is an assumption.",
        examples=(
            Example("RangeMedian(0, 10, 4, 20, 4)", 10.0),
            Example("RangeMedian(0, 10, 1, 20, 3)", 10 + 10 / 3),
            Example("RangeMedian(0, 10, NULL())", None),
        ),
    ),
    Function(
        name="Message",
        parameters=takes("any kind, any message, any value"),
        result=lambda arguments: arguments[2].type,
        expand=lambda _services, arguments, _span: arguments[2],
        nulls=Nulls.OWN,
        summary="The value. Designer writes the message into its log; here it is left out.",
        examples=(Example("Message(1, 'seen', 5)", 5),),
    ),
    Function(
        name="ReadRegistryString",
        parameters=takes("text key, text name, text default=''"),
        result=V_WSTRING,
        python=lambda _key, _name, default: default,
        sql=lambda _call, _key, _name, default: default,
        nulls=Nulls.OWN,
        partial=True,
        summary="The default: there is no registry that a workflow could rely on.",
        examples=(Example("ReadRegistryString('HKEY_X', 'a', 'none')", "none"),),
    ),
    Function(
        name="GetEnvironmentVariable",
        parameters=takes("text name"),
        result=V_WSTRING,
        python=os.environ.get,
        partial=True,
        pure=False,
        summary="The value of an environment variable; null when it is not set.",
        examples=(
            Example("GetEnvironmentVariable('kedge_unset')", None),
            Example("GetEnvironmentVariable(NULL())", None),
        ),
    ),
    Function(
        name="FileAddPaths",
        parameters=takes("text folder, text file"),
        result=V_WSTRING,
        python=_joined,
        summary="The two parts of a path with one backslash between them.",
        examples=(
            Example("FileAddPaths('C:\\Temp\\', '\\a.csv')", "C:\\Temp\\a.csv"),
            Example("FileAddPaths('C:', 'a.csv')", "C:\\a.csv"),
            Example("FileAddPaths(NULL(), 'a')", None),
        ),
    ),
    Function(
        name="FileExists",
        parameters=takes("text path"),
        result=BOOL,
        python=lambda path: Path(path).exists(),
        nulls=Nulls.FALSE,
        pure=False,
        summary="Whether a file or folder is there, as the machine that runs the workflow sees it.",
        examples=(Example("FileExists('no such file')", False), Example("FileExists(NULL())", False)),
    ),
    Function(
        name="FileGetDir",
        parameters=takes("text path"),
        result=V_WSTRING,
        python=_folder,
        summary="The folder of a path.",
        examples=(Example("FileGetDir('C:\\Temp\\a.csv')", "C:\\Temp"), Example("FileGetDir('a.csv')", "")),
    ),
    Function(
        name="FileGetExt",
        parameters=takes("text path"),
        result=V_WSTRING,
        python=lambda path: ntpath.splitext(path)[1],
        summary="The extension of a path, with its point.",
        examples=(Example("FileGetExt('C:\\Temp\\a.csv')", ".csv"), Example("FileGetExt('a')", "")),
    ),
    Function(
        name="FileGetFileName",
        parameters=takes("text path"),
        result=V_WSTRING,
        python=lambda path: ntpath.splitext(ntpath.basename(path))[0],
        summary="The name of the file of a path, without folder and extension.",
        examples=(Example("FileGetFileName('C:\\Temp\\a.csv')", "a"),),
    ),
)
