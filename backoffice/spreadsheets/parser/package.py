"""The parts of an XLSX file, a ZIP archive of XML, unpacked and parsed in pieces, within bounds."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLPullParser  # nosec B405 # no document type gets this far
from xml.parsers import expat

from backoffice.spreadsheets.parser import limits
from backoffice.spreadsheets.parser.limits import UnreadableFile

# Elements of these namespaces are known by local names: workbooks, transitional and strict, and
# relationships.
_NAMESPACES = {
    "{http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "{http://purl.oclc.org/ooxml/spreadsheetml/main",
    "{http://schemas.openxmlformats.org/package/2006/relationships",
}
CHUNK_BYTES = 64 * 1024
_ENTRY = b"PK\x01\x02"
_ENCRYPTED = 0x1
# Exceptions of zipfile, and of the XML parser for an unknown encoding.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    ValueError,
    RuntimeError,
    OSError,
)


class Package:
    """An archive with parts found by name, ignoring case."""

    def __init__(self, content: bytes) -> None:
        # Each entry begins so: counting this bounds the entries, independently of the archive's directory.
        if content.count(_ENTRY) > limits.MAX_PARTS:
            raise UnreadableFile("damaged")
        try:
            self.archive = zipfile.ZipFile(io.BytesIO(content))
        except _DAMAGED as error:
            raise UnreadableFile("damaged") from error
        self.parts = {info.filename.lstrip("/").casefold(): info for info in self.archive.infolist()}
        if len(self.parts) < len(self.archive.infolist()):
            raise UnreadableFile("damaged")
        self.unpacked = 0
        self.elements_met = 0
        # Bytes fed to the XML parser since it last kept nothing.
        self.kept_bytes = 0

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self.parts

    def elements(self, name: str, most: Mapping[str, int]) -> Iterator[Element]:
        """The elements of a part that are keys of `most`, each complete, once it has ended.

        A key is the name of a parent and an element, as in "sheetData/row"; its value is the maximum number.
        Raises UnreadableFile.
        """
        parser: XMLPullParser[Element] = XMLPullParser(("start", "end", "start-ns"))
        tree = _Tree(self, most)
        try:
            for piece in self._pieces(name):
                parser.feed(piece)
                yield from tree.ended(parser.read_events())
            parser.close()
            yield from tree.ended(parser.read_events())
        except ParseError as error:
            memory = error.code == expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]
            raise UnreadableFile("too_much_work" if memory else "damaged") from error
        except _DAMAGED as error:
            raise UnreadableFile("damaged") from error

    def _pieces(self, name: str) -> Iterator[bytes]:
        info = self.parts[name.casefold()]
        if info.flag_bits & _ENCRYPTED:
            raise UnreadableFile("protected")
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise UnreadableFile("damaged")
        before, head = self.elements_met, b""
        self.kept_bytes = 0
        with self.archive.open(info) as file:
            while piece := file.read(CHUNK_BYTES):
                # The unpacked bytes count, not the sizes in the archive.
                self.unpacked += len(piece)
                if self.unpacked > limits.MAX_UNPACKED_BYTES:
                    raise UnreadableFile("unpacks_to_too_much")
                self.kept_bytes += len(piece)
                if self.kept_bytes > limits.MAX_ELEMENT_BYTES or self.elements_met > limits.MAX_ELEMENTS:
                    raise UnreadableFile("too_much_work")
                # Until its first element: a workbook has no document type, and so no entity.
                head = head + piece if self.elements_met == before else b""
                if b"<!DOCTYPE" in head.replace(b"\0", b""):
                    raise UnreadableFile("damaged")
                yield piece


class _Tree:
    """Keeps the wanted elements of a part, and the others only while they are open."""

    def __init__(self, package: Package, most: Mapping[str, int]) -> None:
        self.package = package
        self.left = dict(most)
        # Their children are the table: whatever else is there may stand for some of them.
        self.lists = {path.partition("/")[0] for path, count in most.items() if count > 1}
        self.names = _Names()
        self.open: list[Element] = []
        self.whole: Element | None = None

    def ended(self, events: Iterator[Any]) -> Iterator[Element]:
        names, whole, count = self.names, self.whole, 0
        for event, element in events:
            if event == "start":
                count += 1
                element.tag = names[element.tag]
                for key in element.keys():  # noqa: SIM118 - an element's own items are its children
                    names[key]
                if whole is None:
                    whole = self._begin(element)
            elif event == "start-ns":
                names[element[0]]
            elif whole is None or element is whole:
                if whole is not None:
                    yield element
                    whole = None
                self._end()
        self.whole = whole
        self.package.elements_met += count

    def _begin(self, element: Element) -> Element | None:
        is_wanted = False
        if self.open and (path := f"{self.open[-1].tag}/{element.tag}") in self.left:
            is_wanted = True
            self.left[path] -= 1
            if self.left[path] < 0:
                raise UnreadableFile("too_much_work")
        elif self.open and self.open[-1].tag in self.lists and element.tag != "extLst":
            raise UnreadableFile("damaged")
        self.open.append(element)
        if len(self.open) > limits.MAX_ELEMENT_DEPTH:
            raise UnreadableFile("damaged")
        return element if is_wanted else None

    def _end(self) -> None:
        self.open.pop()
        if self.open:
            del self.open[-1][:]
        self.package.kept_bytes = 0


class _Names(dict[str, str]):
    """Maps names of elements, attributes and namespaces from the XML parser's form to local names."""

    def __missing__(self, name: str) -> str:
        if len(self) >= limits.MAX_XML_NAMES:
            raise UnreadableFile("damaged")
        namespace, _brace, local = name.rpartition("}")
        self[name] = local if namespace in _NAMESPACES else name
        return self[name]
