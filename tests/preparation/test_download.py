"""Fetching corpora from a server that may misbehave."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from fastdiar.core.errors import DataError
from fastdiar.preparation import sources
from fastdiar.preparation.download import TRIES, Server, chosen, download
from fastdiar.preparation.sources import CORPORA, File, Part

UTTERANCE = "LibriSpeech/dev-clean/84/121123/84-121123-0000.flac"


def tar_of(files: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    """A .tar.gz, in the layout of LibriSpeech's."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(data), "/etc/passwd"
            archive.addfile(info, io.BytesIO(data))
    return packed.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def file_of(name: str, data: bytes) -> File:
    return File(name, f"md5:{hashlib.md5(data).hexdigest()}", len(data))


def contents(folder: Path) -> dict[str, bytes]:
    """What is below a folder, but for what `download` keeps for itself."""
    paths = (path for path in folder.rglob("*") if path.is_file() and ".download" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def quiet(what: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


@pytest.fixture
def archive(server: Any) -> Part:
    """A part that the server has."""
    noise = bytes(range(256)) * 5_000
    data = tar_of({UTTERANCE: b"flac", "LibriSpeech/dev-clean/noise": hashlib.shake_256(noise).digest(600_000)})
    server.files["/12/dev-clean.tar.gz"] = data
    return Part((file_of("dev-clean.tar.gz", data),), archive=True)


def fetch(part: Part, target: Path, server: Any, **of_server: str) -> None:
    download({"dev-clean": part}, target, Server(of_server.pop("address", f"{server.address}/12"), **of_server), quiet)


def test_an_archive_is_fetched_once_checked_and_unpacked(archive: Part, tmp_path: Path, server: Any) -> None:
    heard: list[tuple[str, int, int]] = []
    target = tmp_path / "corpora"
    for _ in range(2):
        download({"dev-clean": archive}, target, Server(f"{server.address}/12/"), lambda *progress: heard.append(progress))
    assert contents(target)[UTTERANCE] == b"flac"
    assert server.asked == [("/12/dev-clean.tar.gz", None)]
    size = archive.files[0].size
    assert heard[-1] == ("dev-clean.tar.gz", size, size)
    assert [path.name for path in (target / ".download").iterdir()] == ["dev-clean.done"]


def test_a_connection_that_breaks_is_taken_up_where_it_stopped(archive: Part, tmp_path: Path, server: Any) -> None:
    server.drop_after = 250_000
    fetch(archive, tmp_path, server)
    assert [wanted for _, wanted in server.asked] == [None, "bytes=250000-", "bytes=500000-"]
    assert UTTERANCE in contents(tmp_path)


def test_after_an_interruption_the_next_call_goes_on(archive: Part, tmp_path: Path, server: Any) -> None:
    def interrupt(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    server.drop_after = 400_000
    with pytest.raises(KeyboardInterrupt):
        download({"dev-clean": archive}, tmp_path, Server(f"{server.address}/12"), interrupt)
    assert contents(tmp_path) == {}
    server.drop_after = None
    fetch(archive, tmp_path, server)
    assert server.asked[-1][1] == "bytes=400000-"
    assert UTTERANCE in contents(tmp_path)


def test_a_server_that_cannot_go_on_in_the_middle_sends_all_again(archive: Part, tmp_path: Path, server: Any) -> None:
    (tmp_path / ".download").mkdir()
    (tmp_path / ".download" / "dev-clean.tar.gz.part").write_bytes(b"x" * 1_000)
    server.ranges = False
    fetch(archive, tmp_path, server)
    assert UTTERANCE in contents(tmp_path)


def test_what_has_come_whole_is_not_asked_for_again(tmp_path: Path, server: Any) -> None:
    server.files["/12/list.txt"] = b"0123456789"
    (tmp_path / ".download").mkdir()
    part = tmp_path / ".download" / "list.txt.part"
    part.write_bytes(b"0123456789")
    fetch(Part((File("list.txt"),)), tmp_path, server)
    assert contents(tmp_path) == {"list.txt": b"0123456789"}
    part.write_bytes(b"01234567890123")
    (tmp_path / ".download" / "dev-clean.done").unlink()
    fetch(Part((File("list.txt"),)), tmp_path, server)
    assert contents(tmp_path) == {"list.txt": b"0123456789"}


def test_an_overloaded_server_is_asked_again(archive: Part, tmp_path: Path, server: Any) -> None:
    server.errors = [503, 429, 500, 502]
    fetch(archive, tmp_path, server)
    assert UTTERANCE in contents(tmp_path)


def test_a_server_that_stays_down_is_given_up(archive: Part, tmp_path: Path, server: Any) -> None:
    server.errors = [503] * TRIES
    with pytest.raises(DataError, match=r"dev-clean\.tar\.gz: 503 Service Unavailable: run this again to go on, or try another"):
        fetch(archive, tmp_path, server)
    assert len(server.asked) == TRIES


def test_without_a_network_every_attempt_is_told_and_nothing_stays_behind(archive: Part, tmp_path: Path) -> None:
    told: list[str] = []
    with pytest.raises(DataError, match=r"127\.0\.0\.1:9/dev-clean\.tar\.gz: .*refused"):
        download({"dev-clean": archive}, tmp_path / "new", Server("http://127.0.0.1:9"), quiet, told.append)
    assert len(told) == TRIES - 1 and told[0].endswith(f"attempt 2 of {TRIES} in 0 s")
    assert not (tmp_path / "new").exists()


def test_what_is_not_there_is_not_asked_for_twice(tmp_path: Path, server: Any) -> None:
    with pytest.raises(DataError, match=r"other\.tar\.gz: 404 Not Found: try another address with --from"):
        fetch(Part((File("other.tar.gz"),), archive=True), tmp_path, server)
    assert len(server.asked) == 1


def test_a_wrong_checksum_throws_the_file_away(archive: Part, tmp_path: Path, server: Any) -> None:
    wrong = Part((attrs.evolve(archive.files[0], checksum="md5:0123"),), archive=True)
    with pytest.raises(DataError, match=r"dev-clean\.tar\.gz: its md5 is [0-9a-f]{32}, not 0123: thrown away"):
        fetch(wrong, tmp_path, server)
    assert list(tmp_path.iterdir()) == []
    fetch(archive, tmp_path, server)
    assert UTTERANCE in contents(tmp_path)


def test_another_size_than_published_is_refused_at_once(tmp_path: Path, server: Any) -> None:
    server.files["/12/dev-clean.tar.gz"] = b"<html>please log in</html>"
    with pytest.raises(DataError, match=r"dev-clean\.tar\.gz: has 26 bytes instead of 337,926,286: try another address"):
        fetch(CORPORA["librispeech"].parts["dev-clean"], tmp_path, server)


@pytest.mark.parametrize(("name", "kind"), [("../outside", tarfile.REGTYPE), ("link", tarfile.SYMTYPE)])
def test_a_tar_file_that_reaches_outside_is_refused(name: str, kind: bytes, tmp_path: Path, server: Any) -> None:
    server.files["/12/x.tar.gz"] = data = tar_of({name: b""}, kind)
    with pytest.raises(DataError, match=r"x\.tar\.gz: cannot be unpacked: .*(outside the destination|absolute path)"):
        fetch(Part((file_of("x.tar.gz", data),), archive=True), tmp_path / "target", server)
    assert contents(tmp_path) == {}
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


def test_a_zip_file_in_pieces(tmp_path: Path, server: Any) -> None:
    members = {"wav/id1/video/1.wav": b"a" * 3_000, "wav/id1/video/2.wav": b"b" * 3_000, "../../outside": b"c"}
    data = zip_of(members)
    pieces = [data[start : start + 1_000] for start in range(0, len(data), 1_000)]
    files = tuple(file_of(f"vox1_dev_wav_parta{letter}", piece) for letter, piece in zip("abcdefghij", pieces, strict=False))
    server.files = {f"/get?key=7&file={file.name}": piece for file, piece in zip(files, pieces, strict=True)}
    address = f"{server.address}/get?key=7&file={{file}}"
    fetch(Part(files, "voxceleb1/dev", archive=True), tmp_path / "target", server, address=address)
    found = contents(tmp_path / "target")
    assert found["voxceleb1/dev/wav/id1/video/2.wav"] == b"b" * 3_000
    assert not (tmp_path / "outside").exists() and not (tmp_path / "target" / "outside").exists()


def test_a_file_that_is_no_archive(tmp_path: Path, server: Any) -> None:
    server.files["/12/x.zip"] = b"please log in"
    with pytest.raises(DataError, match=r"x\.zip: cannot be unpacked: .*: remove it and run this again"):
        fetch(Part((File("x.zip"),), archive=True), tmp_path, server)


def test_a_user_and_password(archive: Part, tmp_path: Path, server: Any) -> None:
    server.password = "secret"
    with pytest.raises(DataError, match=r"access is refused: give --user NAME, and the password in FASTDIAR_PASSWORD"):
        fetch(archive, tmp_path, server)
    with pytest.raises(DataError, match="access is refused"):
        fetch(archive, tmp_path, server, user="me", password="guess")
    fetch(archive, tmp_path, server, user="me", password="secret")
    assert UTTERANCE in contents(tmp_path)


def test_the_password_is_not_sent_on_to_where_a_server_points(
    archive: Part, tmp_path: Path, server: Any, serve: Callable[[], Any]
) -> None:
    elsewhere = serve()
    elsewhere.password = server.password = "secret"
    server.moved["/12/dev-clean.tar.gz"] = f"{elsewhere.address}/12/dev-clean.tar.gz"
    with pytest.raises(DataError, match="access is refused"):
        fetch(archive, tmp_path, server, user="me", password="secret")
    assert len(server.asked) == len(elsewhere.asked) == 1


def test_too_small_a_disk_is_noticed_before(tmp_path: Path, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    part = CORPORA["librispeech"].parts["train-clean-360"]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=45 * 10**9))
    with pytest.raises(DataError, match=r"too small: 46\.1 GB are needed, 45\.0 GB are free"):
        fetch(part, tmp_path, server)
    assert server.asked == []
    (tmp_path / ".download").mkdir()
    with (tmp_path / ".download" / "train-clean-360.tar.gz.part").open("wb") as there:
        there.truncate(2 * 10**9)
    with pytest.raises(DataError, match="404 Not Found"):
        fetch(part, tmp_path, server)


def test_a_folder_that_cannot_be_written_to(archive: Part, tmp_path: Path, server: Any) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="file: cannot be written to: Not a directory"):
        fetch(archive, tmp_path / "file", server)


def test_parts_by_name_and_by_group() -> None:
    ami, voxceleb = CORPORA["ami"], CORPORA["voxceleb"]
    assert list(chosen(ami, ["test", "annotations"]))[3:6] == ["EN2002d", "ES2004a", "ES2004b"]
    assert list(chosen(ami, ["test"])) + list(chosen(ami, ["dev"])) == [*ami.groups["test"], *ami.groups["dev"]]
    assert list(chosen(voxceleb, ["lists"])) == ["vox1-lists", "vox2-lists"]
    assert chosen(voxceleb, []) == voxceleb.parts
    with pytest.raises(
        DataError, match=r"--part ES2004q: there is no such part \(did you mean 'ES2004\w'\?\): expected one of train, dev"
    ):
        chosen(ami, ["ES2004q"])


def test_the_meetings_are_those_of_the_published_lists(shared: Path) -> None:
    for split, meetings in CORPORA["ami"].groups.items():
        listed = (shared / "data" / "ami" / "setup" / "only_words" / "lists" / f"{split}.meetings.txt").read_text().split()
        assert sorted(meetings) == sorted(listed)


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=list(CORPORA))
def test_the_table_is_whole(corpus: sources.Corpus) -> None:
    assert corpus.licence and corpus.citation and (corpus.address or corpus.access)
    assert {part for group in corpus.groups.values() for part in group} <= corpus.parts.keys()
    files = [file for part in corpus.parts.values() for file in part.files]
    assert len({file.basename for file in files}) == len(files)
    for part in corpus.parts.values():
        for file in part.files:
            kind, _, digest = file.checksum.partition(":")
            assert not part.archive or len(digest) == {"md5": 32, "sha256": 64}[kind]
