"""What a request's headers and its query ask for, and which requests are plain.

SageMaker hands on those headers that InvokeEndpoint has, and no query: through it an explanation is
asked for by custom attribute. A request without an inference id gets one of the worker's own.
https://aws.amazon.com/blogs/machine-learning/amazon-sagemaker-runtime-now-supports-the-customattribute-header/
"""

import re
from collections.abc import Mapping

ATTRIBUTES = b"x-amzn-sagemaker-custom-attributes"
INFERENCE_ID = b"x-amzn-sagemaker-inference-id"

ID_CHARACTERS = 64
"""SageMaker's own limit for an inference id.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

_EXPLAIN = re.compile(rb"(?:^|[&;,?\s])explain=(?:true|1)(?:$|[&;,\s])", re.IGNORECASE)

_LINE = b"POST /invocations HTTP/1.1"
_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t -~\x80-\xff]*)")
"""https://www.rfc-editor.org/rfc/rfc9110#name-field-values"""

_NOT_PLAIN = frozenset(
    {b"connection", b"expect", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
"""Headers that say how the connection goes on: that is the parser's to know."""

KEPT_LINES, KEPT_BYTES = 256, 256


class Asked:
    """The parts of a request that are not its body; header names are in lower case."""

    __slots__ = ("accept", "content_type", "explain", "inference_id", "length")

    def __init__(self, headers: Mapping[bytes, bytes], query: bytes | None = b"") -> None:
        self.content_type: str = headers.get(b"content-type", b"").decode("latin-1")
        self.accept: str = headers.get(b"accept", b"").decode("latin-1")
        self.length: bytes = headers.get(b"content-length", b"")
        identity: bytes = headers.get(INFERENCE_ID, b"")
        self.inference_id: str = identity.decode("latin-1")[:ID_CHARACTERS] if identity else ""
        attributes = headers.get(ATTRIBUTES)
        self.explain = bool(
            (query and _EXPLAIN.search(query)) or (attributes and _EXPLAIN.search(attributes))
        )


class PlainHeads:
    """Reads the heads of plain requests: a POST to /invocations whose body has its length.

    A caller sends mostly the same header lines, so they are remembered, each by itself.
    """

    def __init__(self) -> None:
        self._lines = _Lines()

    def read(self, head: bytes) -> Asked | None:
        """What is asked by a head without its empty line; None if it is for the HTTP parser."""
        first, *lines = head.split(b"\r\n")
        if first != _LINE:
            return None
        try:
            headers = dict(map(self._lines.__getitem__, lines))
        except NotPlain:
            return None
        if len(headers) != len(lines):
            return None  # one of them twice
        asked = Asked(headers)
        return asked if asked.length else None


class NotPlain(Exception):
    """A header that the HTTP parser is to look at."""


class _Lines(dict[bytes, tuple[bytes, bytes]]):
    """Header lines and what they say; a line that is not known yet is parsed.

    Inference ids are not kept: every request has its own.
    """

    def __missing__(self, line: bytes) -> tuple[bytes, bytes]:
        match = _HEADER.fullmatch(line)
        if match is None or line[-1:] in (b" ", b"\t"):  # the parser leaves blanks at the end
            raise NotPlain
        name, value = match[1].lower(), match[2].lstrip(b" \t")
        if name == b"content-length" and not (value.isdigit() and len(value) < 10):
            raise NotPlain
        if name in _NOT_PLAIN and not (name == b"connection" and value.lower() == b"keep-alive"):
            raise NotPlain
        if name != INFERENCE_ID and len(self) < KEPT_LINES and len(line) <= KEPT_BYTES:
            self[line] = name, value
        return name, value
