"""musiclib.datasets.archive: what lands, what is refused, and that nothing half done is left."""

import io
import os
import shutil
import stat
import tarfile
import zipfile
from functools import partial

import pytest

from musiclib.datasets import DatasetError, archive, report

FILES = {"set/notes.csv": b"id,label\n1,reel\n", "set/audio/1.wav": bytes(range(256)) * 300, "set/audio/empty.txt": b""}
KINDS = {"zip": None, "tar": "w", "tar.gz": "w:gz", "tar.bz2": "w:bz2", "tar.xz": "w:xz"}


def pack(path, files=FILES):
    mode = KINDS[path.name.split(".", 1)[1]]
    if mode is None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in files.items():
                file.writestr(name, content)
    else:
        with tarfile.open(path, mode) as file:
            for name, content in files.items():
                add(file, name, content)
    return path


def add(file: tarfile.TarFile, name: str, content: bytes = b"x", **fields) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    file.addfile(info, io.BytesIO(content))


def below(folder) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refused(path, tmp_path, says: str, **options) -> None:
    """Unpacking fails with this message, and leaves the disk as it was."""
    before = below(tmp_path)
    with pytest.raises(DatasetError, match=says):
        archive.extract(path, tmp_path / "in" / "out", **options)
    assert below(tmp_path) == before
    assert not (tmp_path / "in").exists() or not list((tmp_path / "in").iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_packed_is_there(tmp_path, kind):
    out = archive.extract(pack(tmp_path / f"set.{kind}"), tmp_path / "new" / "out")
    assert out == tmp_path / "new" / "out" and below(out) == FILES
    assert [p.name for p in out.parent.iterdir()] == ["out"]  # nothing of the work beside it is left


def test_an_empty_folder_is_filled_and_a_full_one_left_alone(tmp_path):
    path = pack(tmp_path / "set.zip")
    (tmp_path / "out").mkdir()
    archive.extract(path, tmp_path / "out")
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(DatasetError, match=r"out holds something already\. Move it away"):
        archive.extract(path, tmp_path / "out")
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


def test_no_file_runs_as_another_user_or_is_open_to_all(tmp_path):
    path = tmp_path / "set.tar"
    with tarfile.open(path, "w") as file:
        add(file, "set/run", mode=0o6777, uid=12345)
        add(file, "set/closed", mode=0o000)
    out = archive.extract(path, tmp_path / "out")
    (tmp_path / "plain").touch()
    (tmp_path / "folder").mkdir()
    run, plain = (out / "set" / "run").stat(), (tmp_path / "plain").stat()
    assert stat.S_IMODE(run.st_mode) & 0o7022 == 0 and run.st_uid == plain.st_uid
    assert stat.S_IMODE((out / "set" / "closed").stat().st_mode) & 0o600 == 0o600
    assert out.stat().st_mode == (out / "set").stat().st_mode == (tmp_path / "folder").stat().st_mode


# ---------------------------------------------------------------- evil ones

OUTSIDE = ["../evil", "set/../../evil", "/tmp/evil-of-a-test", "..\\evil", "C:\\evil", "C:evil", "\\evil", "set/.."]


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
@pytest.mark.parametrize("name", OUTSIDE)
def test_a_member_that_would_land_outside(tmp_path, kind, name):
    path = pack(tmp_path / f"set.{kind}", {"good": b"x", name: b"evil"})
    refused(path, tmp_path, "which would land outside of its folder. Nothing was unpacked")
    assert not os.path.exists("/tmp/evil-of-a-test")


@pytest.mark.parametrize(
    "fields",
    [
        {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
        {"type": tarfile.SYMTYPE, "linkname": "good"},
        {"type": tarfile.LNKTYPE, "linkname": "../../outside"},
        {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3},
        {"type": tarfile.FIFOTYPE},
    ],
)
def test_a_link_or_a_device_in_a_tar(tmp_path, fields):
    path = tmp_path / "set.tar"
    with tarfile.open(path, "w") as file:
        add(file, "good")
        add(file, "evil", b"", **fields)
    refused(path, tmp_path, "holds 'evil', a link or a device. Nothing was unpacked")


def test_a_file_written_through_a_link_before_it(tmp_path):
    path = tmp_path / "set.tar"
    with tarfile.open(path, "w") as file:
        add(file, "door", b"", type=tarfile.SYMTYPE, linkname=str(tmp_path))
        add(file, "door/evil", b"evil")
    refused(path, tmp_path, "holds 'door', a link or a device")


def test_a_link_in_a_zip(tmp_path):
    path = tmp_path / "set.zip"
    info = zipfile.ZipInfo("evil")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(info, "/etc/passwd")
    refused(path, tmp_path, "holds 'evil', a link or a device")


def test_an_encrypted_zip(tmp_path):
    path = pack(tmp_path / "set.zip", {"secret.wav": b"x" * 50})
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the flag, in the member's own header and in the list at the end
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    refused(path, tmp_path, r"is damaged or cut short \(RuntimeError: .*secret\.wav.* is encrypted")


def test_a_file_where_another_member_has_a_folder(tmp_path):
    refused(pack(tmp_path / "set.zip", {"a": b"x", "a/b": b"y"}), tmp_path, "could not be unpacked: ")


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_more_than_the_limit(tmp_path, kind):
    path = pack(tmp_path / f"bomb.{kind}", {f"{i}": bytes(400_000) for i in range(5)})
    assert path.stat().st_size < 40_000
    refused(
        path, tmp_path, r"unpacks to 2 MB or more, above the limit of 1\.7 MB.*pass a higher limit", limit=1_700_000
    )
    assert len(below(archive.extract(path, tmp_path / "out", limit=2_000_000))) == 5


def test_the_limit_grows_with_the_archive(tmp_path, monkeypatch):
    path = pack(tmp_path / "bomb.zip", {"zeros": bytes(3_000_000)})
    monkeypatch.setattr(archive, "_LEAST", 1000)
    refused(path, tmp_path, "above the limit of")
    monkeypatch.setattr(archive, "_RATIO", 2000)
    assert (archive.extract(path, tmp_path / "out") / "zeros").stat().st_size == 3_000_000


def test_a_member_that_is_longer_than_it_says(tmp_path):
    path = pack(tmp_path / "set.zip", {"liar": b"x" * 5000})
    content = path.read_bytes()
    path.write_bytes(content.replace((5000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    refused(path, tmp_path, "is damaged or cut short")


def test_more_members_than_there_may_be(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "_MEMBERS", 2)
    refused(pack(tmp_path / "set.tar"), tmp_path, "has more than 2 members")


# ---------------------------------------------------------------- damaged ones


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.6, 0.9, 0.98])
def test_an_archive_that_is_cut_short(tmp_path, kind, share):
    path = pack(tmp_path / f"set.{kind}", {**FILES, "noise": os.urandom(30_000)})
    content = path.read_bytes()
    end = len(content) - (9_000 if kind == "tar" else 0)  # a tar is filled up with zeros that nobody misses
    path.write_bytes(content[: int(share * end)])
    refused(path, tmp_path, "Get it again|get it again")


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.xz"])
def test_an_archive_in_which_a_byte_has_changed(tmp_path, kind):
    path = pack(tmp_path / f"set.{kind}", {"noise": os.urandom(30_000)})
    content = bytearray(path.read_bytes())
    content[15_000] ^= 0xFF
    path.write_bytes(content)
    refused(path, tmp_path, r"is damaged or cut short .*Get it again\. Nothing was kept")


def test_what_is_no_archive(tmp_path):
    page = tmp_path / "set.zip"
    page.write_text("<html>404</html>")
    refused(page, tmp_path, "set.zip is no zip or tar archive")
    refused(tmp_path / "none.zip", tmp_path, "none.zip is not there")


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_full_disk(tmp_path, monkeypatch, kind):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    path = pack(tmp_path / f"set.{kind}")
    monkeypatch.setattr(shutil, "copyfileobj", full)
    monkeypatch.setattr(tarfile, "copyfileobj", full)
    refused(path, tmp_path, r"could not be unpacked: .*No space left.*Is the disk full\?")


def test_an_old_python_says_what_it_lacks(tmp_path, monkeypatch):
    monkeypatch.delattr(tarfile, "data_filter")
    refused(pack(tmp_path / "set.tar.gz"), tmp_path, r"to unpack it safely takes Python 3\.11\.4 or later")


def test_how_far_it_has_come_is_said_where_it_takes_a_while(tmp_path, monkeypatch, capsys):
    path = pack(tmp_path / "set.zip")
    archive.extract(path, tmp_path / "quick")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(archive, "Progress", partial(report.Progress, delay=0))
    archive.extract(path, tmp_path / "slow")
    assert "unpacking set.zip: 76.8kB" in capsys.readouterr().err
