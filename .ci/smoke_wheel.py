"""Use the installed jetlrp as a visitor would, from a folder that is not the checkout.

    python .ci/smoke_wheel.py FOLDER_OF_THE_REAL_JETS

Run it with the Python that jetlrp is installed for. It explains a jet with ``jetlrp explain``, then
starts ``jetlrp serve`` and gets the page, every script and style that the page names, /docs, and
an explanation. It ends with "N passed, N failed" and exits with 1 if anything failed.
"""

from __future__ import annotations

import math
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import traceback
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx

CHECKOUT = Path(__file__).resolve().parents[1]
COMMAND = str(Path(sysconfig.get_path("scripts")) / "jetlrp")
JET = 12
SECONDS_TO_START = 120
SECONDS_TO_STOP = 15


class Links(HTMLParser):
    """Collects the addresses of the scripts and styles that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the address if the tag loads a script or a style."""
        given = dict(attrs)
        if tag == "script" and given.get("src"):
            self.found.append(given["src"] or "")
        elif tag == "link" and "stylesheet" in (given.get("rel") or ""):
            self.found.append(given["href"] or "")


def links_of(html: str) -> list[str]:
    """Addresses of the scripts and styles of a page, in its order."""
    parser = Links()
    parser.feed(html)
    return parser.found


def get(client: httpx.Client, address: str) -> httpx.Response:
    """GET that must succeed and bring something."""
    answer = client.get(address)
    assert answer.status_code == 200, f"{address}: {answer.status_code} {answer.text[:300]}"
    assert answer.content, f"{address} is empty"
    return answer


def get_with_links(client: httpx.Client, address: str) -> list[str]:
    """Get a page and all that it loads; all of it must come from this server."""
    links = links_of(get(client, address).text)
    for link in links:
        full = urljoin(str(client.base_url.join(address)), link)
        assert urlsplit(full).netloc == client.base_url.netloc.decode(), f"{full} is elsewhere"
        get(client, full)
    return links


def check_installed() -> None:
    """The packages that run are the installed ones."""
    import app
    import lrp_core

    for package in (app, lrp_core):
        folder = Path(str(package.__file__)).resolve()
        assert CHECKOUT not in folder.parents, f"{folder} is in the checkout, not in the wheel"
    assert (Path(str(app.__file__)).parent / "assets" / "page" / "main.js").is_file()


def check_embedded(scratch: Path) -> None:
    """``jetlrp explain`` works with nothing given, on the jets and the network that come along."""
    ran = subprocess.run(
        [COMMAND, "explain", "--jet", "0"],
        cwd=scratch,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def check_explain(options: list[str], jets: Path, scratch: Path) -> None:
    """``jetlrp explain`` prints a summary and writes the explanation, in both forms."""
    import lrp_core

    for name in ("explanation.npz", "explanation.json"):
        ran = subprocess.run(
            [COMMAND, "explain", str(jets), "--jet", str(JET), *options, "--out", name],
            cwd=scratch,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert ran.stdout.strip(), "nothing was printed"
        explanation = lrp_core.load_explanation(scratch / name)
        assert abs(float(explanation.edge_significance.sum()) - 1.0) < 1e-5
        assert explanation.conservation_error < 1e-3, explanation.conservation_error


def check_health(client: httpx.Client) -> None:
    """The service says what it serves."""
    answer = get(client, "/api/v1/health").json()
    assert answer["status"] == "ok", answer
    assert answer["jets"]["n_jets"] > JET, answer


def check_page(client: httpx.Client) -> None:
    """The page comes with all its scripts and styles, the network plot's among them."""
    links = get_with_links(client, "/")
    (script,) = [link for link in links if urlsplit(link).path.endswith("/page.js")]
    assert "Plotly" in get(client, urljoin("/", script)).text
    assert any(urlsplit(link).path.endswith("/page.css") for link in links), links
    for address in ("/_dash-layout", "/_dash-dependencies"):
        get(client, address)


def check_docs(client: httpx.Client) -> None:
    """The documentation of the service works without the internet."""
    assert get_with_links(client, "/docs")
    paths = get(client, "/openapi.json").json()["paths"]
    assert any(path.startswith("/api/v1/") for path in paths), list(paths)


def check_explanation(client: httpx.Client) -> None:
    """The service explains a jet, and its numbers add up."""
    answer = client.post(f"/api/v1/jets/{JET}/explanation", json={"target": "margin"})
    assert answer.status_code == 200, answer.text[:500]
    said = answer.json()
    assert len(said["edge_significance"]) == said["n_edges"]
    assert math.isclose(sum(said["edge_significance"]), 1.0, abs_tol=1e-4)
    assert said["conservation_error"] < 1e-3, said["conservation_error"]


def check_error(client: httpx.Client) -> None:
    """An address that does not exist is answered in the one shape of errors, not with the page."""
    answer = client.get("/api/v1/nothing-here")
    assert answer.status_code == 404, answer.status_code
    assert set(answer.json()) == {"error"}, answer.text[:300]


def wait_until_up(server: subprocess.Popen[bytes], client: httpx.Client) -> float:
    """``jetlrp serve`` starts and its service answers; -> seconds until then."""
    began = time.monotonic()
    while time.monotonic() - began < SECONDS_TO_START:
        assert server.poll() is None, f"jetlrp serve ended with {server.returncode}"
        try:
            if client.get("/api/v1/health").status_code == 200:
                return time.monotonic() - began
        except httpx.TransportError:
            pass  # not listening yet
        time.sleep(0.1)
    raise TimeoutError(f"jetlrp serve did not answer within {SECONDS_TO_START} s")


def check_stop(server: subprocess.Popen[bytes], log: Path) -> None:
    """Ctrl-C ends the server at once, and it never had an error to report."""
    server.send_signal(signal.SIGINT)
    server.wait(SECONDS_TO_STOP)
    assert "Traceback" not in log.read_text("utf-8"), "an error in the server's log"


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Run all checks in turn; a failed one does not stop the next."""
    data = Path(sys.argv[1]).resolve()
    jets = data / "hbb_jets.root"
    options = ["--model", str(data / "IN.pth"), "--definitions", str(data / "definitions.yml")]
    results: list[bool] = []

    def run(check: Callable[..., object], *given: object) -> None:
        what = (check.__doc__ or check.__name__).splitlines()[0]
        began = time.monotonic()
        try:
            check(*given)
        except Exception:
            traceback.print_exc(file=sys.stdout)
            results.append(False)
        else:
            results.append(True)
        print(f"{'ok  ' if results[-1] else 'FAIL'} {time.monotonic() - began:5.1f} s  {what}")

    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        os.chdir(scratch)
        run(check_installed)
        run(check_embedded, scratch)
        run(check_explain, options, jets, scratch)

        port = free_port()
        log = scratch / "serve.log"
        with log.open("wb") as out:
            server = subprocess.Popen(
                [COMMAND, "serve", "--jets", str(jets), *options, "--port", str(port)],
                cwd=scratch,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                run(wait_until_up, server, client)
                for check in (check_health, check_page, check_docs, check_explanation, check_error):
                    run(check, client)
            run(check_stop, server, log)
        finally:
            server.kill()
            server.wait()
        if not all(results):
            print(f"\nThe server said:\n{log.read_text('utf-8')}")

    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
