"""`fastdiar download`."""

from __future__ import annotations

import functools
import io
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fastdiar.__main__ import run


class Quiet(SimpleHTTPRequestHandler):
    """Logs nothing."""

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server that has two of AMI's meetings where AMI's has them."""
    for meeting in ("ES2004a", "IB4001"):
        path = tmp_path / "mirror" / "AMICorpusMirror" / "amicorpus" / meeting / "audio" / f"{meeting}.Mix-Headset.wav"
        path.parent.mkdir(parents=True)
        path.write_bytes(meeting.encode())
    monkeypatch.setenv("no_proxy", "*")
    handler = functools.partial(Quiet, directory=str(tmp_path / "mirror"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_parts_of_ami(mirror: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "corpora"
    command = ["download", "ami", str(target), "--part", "ES2004a", "--part", "IB4001", "--from", mirror, "--yes"]
    assert run(command) == 0
    assert capsys.readouterr().out == f"{target}: ami: ES2004a, IB4001\n"
    assert (target / "amicorpus" / "ES2004a" / "audio" / "ES2004a.Mix-Headset.wav").read_text() == "ES2004a"
    assert run([*command, "--part", "ES2004b"]) == 2
    assert "ES2004b.Mix-Headset.wav: 404 File not found: try another address with --from" in capsys.readouterr().err


class Terminal(io.StringIO):
    """A person who types."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_the_licence_is_shown_and_asked_for(
    answer: str, code: int, mirror: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert run(["download", "ami", str(tmp_path / "out"), "--part", "IB4001", "--from", mirror]) == code
    printed = capsys.readouterr()
    assert "licence: CC BY 4.0, https://creativecommons.org/licenses/by/4.0/" in printed.out
    assert "to cite: J. Carletta et al.: The AMI Meeting Corpus" in printed.out
    assert (tmp_path / "out").exists() == (code == 0)
    assert ("nothing was downloaded: the licence was not accepted" in printed.err) == (code == 1)


def test_nobody_accepts_a_licence_by_accident(mirror: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["download", "librispeech", str(tmp_path / "out"), "--from", mirror]) == 2
    printed = capsys.readouterr()
    assert (
        "dev-clean, dev-other, test-clean, test-other, train-clean-100, train-clean-360, train-other-500, 61.4 GB" in printed.out
    )
    assert "to accept the licence without being asked, say --yes" in printed.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["librispech"], "no corpus 'librispech' (did you mean 'librispeech'?): expected one of ami, librispeech"),
        (["librispeech", "--part", "dev-cleen"], "--part dev-cleen: there is no such part (did you mean 'dev-clean'?)"),
        (["librispeech", "--from", "file:///etc"], "--from is 'file:///etc': expected an address that begins with https://"),
        (["voxceleb", "--part", "vox1-dev"], "voxceleb is given out on request: ask at https://"),
    ],
)
def test_what_cannot_be_downloaded(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, *options = arguments
    assert run(["download", corpus, str(tmp_path / "out"), *options, "--yes"]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
