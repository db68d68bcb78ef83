"""Paths and origins that settings and proxies tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrp_core.web_address import origin, path_below


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/jetlrp/", "/jetlrp"), ("/jetlrp", "/jetlrp"), ("jetlrp/", "/jetlrp"),
        ("jetlrp", "/jetlrp"),
        ("/user/anna@cern.ch/proxy/8050/", "/user/anna@cern.ch/proxy/8050"),
        ("/user/anna%40cern.ch/proxy/8050", "/user/anna@cern.ch/proxy/8050"),
        ("/jéts/", "/j%C3%A9ts"), ("/j%C3%A9ts", "/j%C3%A9ts"), ("/a:b", "/a:b"),
        ("", ""), ("/", ""), (" /jetlrp/ ", "/jetlrp"),
    ],
)  # fmt: skip
def test_paths(text: str, path: str) -> None:
    assert path_below(text) == path


@pytest.mark.parametrize(
    "text",
    [
        "//evil.example", "/a//b", "/a/../b", "..", "/./", "https://lab/jetlrp/", "lab:8050/jetlrp",
        "/a?b", "/a#b", "/a b", '/a"b', "/a<b>", "/a;b", "/a'b", "/a&b", "/a\\b", "/a%2fb", "/a%zz",
        "/a\r\nX: y", "/a%00", "/%2e%2e/",
    ],
)  # fmt: skip
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(ValueError, match="expected a path such as /jetlrp/"):
        path_below(text)


@given(st.text(max_size=40) | st.text("/\\:.@?#%a\t\n \"'<>", max_size=20))
def test_no_path_leads_elsewhere_or_out_of_an_attribute(text: str) -> None:
    try:
        path = path_below(text)
    except ValueError:
        return
    assert path == "" or (path[0] == "/" and path[1] not in "/\\")
    assert path.isascii()
    assert not set(path) & set("\"'<>&; \t\r\n?#\\")
    assert path_below(path) == path


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("https://wiki.example.org", "https://wiki.example.org"),
        ("https://Wiki.Example.org/", "https://wiki.example.org"),
        ("HTTPS://lab:8443", "https://lab:8443"), ("http://127.0.0.1:8888", "http://127.0.0.1:8888"),
        ("'self'", "'self'"), ("self", "'self'"),
    ],
)  # fmt: skip
def test_origins(text: str, read: str) -> None:
    assert origin(text) == read


@pytest.mark.parametrize(
    "text",
    [
        "*", "https://*", "https://*.example.org", "wiki.example.org", "https://", "https:", "",
        "'none'", "data:", "ftp://lab", "https://lab/page", "https://lab?x", "https://a@lab",
        "https://lab:port", "https://lab:99999", "https://lab; script-src *", "https://a..b",
        "https://lab,b", "https://wiki.exämple.org",
    ],
)  # fmt: skip
def test_what_is_no_origin(text: str) -> None:
    with pytest.raises(ValueError, match="expected an origin such as"):
        origin(text)
