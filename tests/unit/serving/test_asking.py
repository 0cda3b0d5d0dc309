"""Heads that are read without the HTTP parser: what they ask for is what the parser hears."""

import httptools
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sagemaker_jobs.serving.asking import KEPT_LINES, Asked, PlainHeads

LINE = b"POST /invocations HTTP/1.1"
LENGTH = b"Content-Length: 3"
BODY = b"1,2"


class Heard:
    """What httptools says of a request."""

    def __init__(self, data: bytes) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body, self.whole, self.keeps = b"", 0, False
        parser = httptools.HttpRequestParser(self)
        parser.feed_data(data)
        self.keeps = parser.should_keep_alive()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.whole += 1


def same(one: Asked, other: Asked) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in Asked.__slots__)


NAMES = st.sampled_from(
    [b"Content-Type", b"accept", b"Host", b"X-Amzn-SageMaker-Inference-Id", b"Connection", b"TE",
     b"X-Amzn-SageMaker-Custom-Attributes", b"Content-Length", b"Transfer-Encoding", b"Expect",
     b"X a", b"", b"\xffx", b"x(", b"Upgrade"]
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        [b"text/csv", b"keep-alive", b"close", b"3", b"03", b"+3", b"3, 3", b"chunked", b"", b"  ",
         b"\t a b \t", b"explain=true", b"100-continue", b"identity", b"h2c"]
    ),
    st.binary(max_size=8),
)  # fmt: skip
LINES = st.one_of(
    st.builds(lambda name, value: name + b":" + value, NAMES, VALUES),
    st.builds(lambda name, value: name + b": " + value + b" ", NAMES, VALUES),
    st.binary(max_size=12),
)


@settings(max_examples=1500, deadline=None)
@given(lines=st.lists(LINES, max_size=4), at=st.integers(0, 4))
@example(lines=[b"a: \x00"], at=0)
@example(lines=[b"a : b"], at=0)
@example(lines=[b" folded: b"], at=1)
@example(lines=[b"a:" + b" " * 5000 + b"\x01"], at=0)
@example(lines=[b"Content-Length: 3"], at=0)
@example(lines=[b"a: b\nTransfer-Encoding: chunked"], at=0)
def test_a_plain_head_is_what_the_parser_hears(lines: list[bytes], at: int) -> None:
    lines.insert(at, LENGTH)
    head = b"\r\n".join([LINE, *lines])
    asked = PlainHeads().read(head)
    if asked is None or b"\r\n\r\n" in head:
        return
    heard = Heard(head + b"\r\n\r\n" + BODY)
    assert (heard.body, heard.whole, heard.keeps) == (BODY, 1, True)
    assert same(asked, Asked(dict(heard.headers)))


@pytest.mark.parametrize(
    "head",
    [
        b"GET /ping HTTP/1.1\r\n" + LENGTH,
        b"POST /invocations HTTP/1.0\r\n" + LENGTH,
        b"POST /invocations?explain=true HTTP/1.1\r\n" + LENGTH,
        b"POST /invocations HTTP/1.1",
        b"POST /invocations HTTP/1.1\r\nHost: x",
    ],
)
def test_other_requests_are_for_the_parser(head: bytes) -> None:
    assert PlainHeads().read(head) is None


def test_what_is_asked_for() -> None:
    lines = [
        LENGTH,
        b"content-type:text/csv",
        b"ACCEPT: application/json",
        b"X-Amzn-SageMaker-Inference-Id: " + b"i" * 100,
        b"X-Amzn-SageMaker-Custom-Attributes: a=b,explain=true",
    ]
    asked = PlainHeads().read(b"\r\n".join([LINE, *lines]))
    assert asked is not None
    assert (asked.content_type, asked.accept, asked.length) == (
        "text/csv", "application/json", b"3",
    )  # fmt: skip
    assert (asked.inference_id, asked.explain) == ("i" * 64, True)


def test_no_caller_fills_the_memory_with_header_lines() -> None:
    heads = PlainHeads()

    def read(line: bytes) -> Asked:
        asked = heads.read(b"\r\n".join([LINE, LENGTH, line]))
        assert asked is not None
        return asked

    for number in range(10):
        assert read(b"X-Amzn-SageMaker-Inference-Id: %d" % number).inference_id == str(number)
    read(b"X: " + b"x" * 1000)
    assert len(heads._lines) == 1
    for number in range(KEPT_LINES + 50):
        assert read(b"Accept: a/%d" % number).accept == f"a/{number}"
    assert len(heads._lines) == KEPT_LINES
