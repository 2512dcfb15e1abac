"""The parts of an XLSX file, a ZIP archive of XML: unpacked and parsed piece by piece, within bounds."""

import io
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from xml.parsers import expat

from backoffice.spreadsheets.parser.limits import (
    MAX_ELEMENT_DEPTH,
    MAX_ELEMENTS,
    MAX_PARTS,
    MAX_TOKEN_BYTES,
    MAX_UNPACKED_BYTES,
    MAX_XML_NAMES,
    Refused,
)

# Its namespaces, transitional and strict.
MAIN = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
TRUE = {"1", "true"}
FALSE = {"0", "false"}

CHUNK_BYTES = 64 * 1024
_ENTRY = b"PK\x01\x02"
_ENCRYPTED = 0x1
_DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, NotImplementedError, OSError)

Attributes = dict[str, str]


class Package:
    """An archive whose parts are found by name, in whatever case."""

    def __init__(self, content: bytes) -> None:
        # Each entry begins so: no more of them can be there, whatever the archive says of itself.
        if content.count(_ENTRY) > MAX_PARTS:
            raise Refused("damaged")
        try:
            self.archive = zipfile.ZipFile(io.BytesIO(content))
        except _DAMAGED as error:
            raise Refused("damaged") from error
        self.parts = {info.filename.lstrip("/").casefold(): info for info in self.archive.infolist()}
        if len(self.parts) < len(self.archive.infolist()):
            raise Refused("damaged")
        self.unpacked = 0
        self.elements = 0

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self.parts

    def parse(self, name: str, part: "Part") -> None:
        """Hand the elements of a part to `part`. Raises Refused."""
        part.package = self
        parser = part.parser
        fed = 0
        try:
            for piece in self._pieces(name):
                parser.Parse(piece, False)  # noqa: FBT003 - takes no keyword
                fed += len(piece)
                if fed - parser.CurrentByteIndex > MAX_TOKEN_BYTES or len(parser.intern) > MAX_XML_NAMES:
                    raise Refused("damaged")
            parser.Parse(b"", True)  # noqa: FBT003
        except expat.ExpatError as error:
            memory = error.code == expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]
            raise Refused("too_much_work" if memory else "damaged") from error
        except (LookupError, ValueError) as error:  # an encoding that there is not
            raise Refused("damaged") from error

    def _pieces(self, name: str) -> Iterator[bytes]:
        info = self.parts.get(name.casefold())
        if info is None:
            raise Refused("damaged")
        if info.flag_bits & _ENCRYPTED:
            raise Refused("protected")
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise Refused("damaged")
        try:
            with self.archive.open(info) as file:
                while piece := file.read(CHUNK_BYTES):
                    # What comes out counts, not what the archive says of itself.
                    self.unpacked += len(piece)
                    if self.unpacked > MAX_UNPACKED_BYTES:
                        raise Refused("unpacks_to_too_much")
                    yield piece
        except _DAMAGED as error:
            raise Refused("damaged") from error


class Part:
    """Takes a part's elements; `starts` and `ends` have what to call by an element's full name."""

    package: Package

    def __init__(self) -> None:
        self.starts: dict[str, Callable[[Attributes], None]] = {}
        self.ends: dict[str, Callable[[], None]] = {}
        self.depth = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = _refuse_doctype
        self.parser.StartNamespaceDeclHandler = self._namespace
        self.namespaces = 0

    def _start(self, name: str, attributes: Attributes) -> None:
        self.depth += 1
        self.package.elements += 1
        if self.depth > MAX_ELEMENT_DEPTH:
            raise Refused("damaged")
        if self.package.elements > MAX_ELEMENTS:
            raise Refused("too_much_work")
        if handler := self.starts.get(name):
            handler(attributes)

    def _namespace(self, _prefix: str | None, _name: str) -> None:
        self.namespaces += 1
        if self.namespaces > MAX_XML_NAMES:
            raise Refused("damaged")

    def _end(self, name: str) -> None:
        self.depth -= 1
        if handler := self.ends.get(name):
            handler()


def _refuse_doctype(*_declaration: object) -> None:
    """There is none in a workbook, and no entity without one."""
    raise Refused("damaged")


def resolved(target: str, *, beside: str) -> str:
    """The part that a relationship of the part `beside` names."""
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(beside), target)).lstrip("/")
