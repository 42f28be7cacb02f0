"""The sandbox: what a command may take, what it sees, and that nothing of it is left."""

import os
import subprocess
import sys
import tempfile
import threading
import venv
from pathlib import Path

import psutil
import pytest

from labutils.exercises.grading import sandbox
from labutils.exercises.grading.sandbox import Limits, Stop, StopCause
from labutils.exercises.grading.visible_files import PACKAGE, cannot_be_hidden

pytestmark = pytest.mark.slow
PROBLEM = sandbox.bubblewrap_problem()
BOTH = pytest.mark.parametrize("locked_in", [True, False], ids=["bubblewrap", "without"])
LOCKED_IN = pytest.mark.skipif(bool(PROBLEM), reason=PROBLEM)
QUESTIONS = PACKAGE / "exercises" / "questions"
POSIX = pytest.mark.skipif(os.name != "posix", reason="limits are set on POSIX")


@pytest.fixture
def ran(tmp_path):
    """Runs Python code; returns the `Stop`, if it was stopped, and what it said."""

    def run(code, locked_in=True, stop=None, hidden=(), readable=(), **limits):
        if locked_in and PROBLEM:
            pytest.skip(PROBLEM)
        folder = tmp_path / "its own"
        folder.mkdir()
        (folder / "said").touch()
        first = "import os, sys, time, subprocess, pathlib\nsay = open('said', 'a', buffering=1).write\n"
        stopped = sandbox.run(
            [sys.executable, "-c", first + code],
            folder,
            Limits(**{"seconds": 20.0} | limits),
            stop or threading.Event(),
            locked_in=locked_in,
            hidden=hidden,
            readable=readable,
        )
        return stopped, (folder / "said").read_text()

    return run


@BOTH
def test_a_command_runs_in_its_folder_with_a_small_environment(ran, locked_in, monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET_TOKEN", "abc")
    beside = tmp_path / "grids"
    beside.mkdir()
    (beside / "table.csv").write_text("1,2")
    code = """
import labutils.exercises
say(repr(sorted(os.listdir())) + pathlib.Path("grids/table.csv").read_text())
say(repr([os.environ.get("SECRET_TOKEN"), os.environ["HOME"] == os.getcwd(), sys.stdin.read()]))
"""
    stopped, said = ran(code, locked_in, readable=[beside])
    assert stopped is None and said == "['grids', 'said']1,2" + "[None, True, '']"


@BOTH
@pytest.mark.parametrize("code", ["time.sleep(60)\nsay('the end')", "while True: pass"])
def test_time_is_limited(ran, locked_in, code):
    stopped, said = ran(code, locked_in, seconds=0.6)
    assert stopped == Stop(StopCause.TIME, "it ran longer than 0.01 minutes") and said == ""


@BOTH
@pytest.mark.parametrize("code", ["time.sleep(60)\nsay('the end')", "import signal\nsignal.pause()"])
def test_it_can_be_stopped_at_once(ran, locked_in, code):
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    stopped, said = ran(code, locked_in, stop, seconds=120.0)
    assert stopped.cause is StopCause.REQUEST and said == ""


STARTS_OTHERS = [
    "subprocess.Popen(['sleep', '{}'])",
    "subprocess.Popen(['sleep', '{}'], start_new_session=True)\ntime.sleep(60)",
    "if not os.fork():\n    os.setsid()\n    os.execlp('sleep', 'sleep', '{}')",
    "subprocess.Popen(['sh', '-c', 'trap \"\" TERM HUP INT; sleep {}; true'])\nos._exit(1)",
]


@POSIX
@BOTH
@pytest.mark.parametrize("number, code", list(enumerate(STARTS_OTHERS)))
def test_no_process_is_left(ran, locked_in, number, code):
    mark = f"98{number}.{int(locked_in)}"
    ran(code.format(mark) + "\ntime.sleep(0.3)", locked_in, seconds=1.5)
    left = [p for p in psutil.process_iter(["cmdline"]) if mark in " ".join(p.info["cmdline"] or [])]
    assert left == []


@POSIX
@BOTH
@pytest.mark.parametrize(
    "code, error",
    [
        ("bytearray(3_000_000_000)", "MemoryError"),
        ("import numpy\nnumpy.ones(400_000_000)", "MemoryError"),
        ("open('large', 'wb').write(bytes(2_000_000))", "File too large"),
        ("os.truncate('said', 3_000_000)", "File too large"),
    ],
)
def test_memory_and_files_are_limited(ran, locked_in, code, error):
    inner = code.replace("\n", "\n    ")
    caught = f"try:\n    {inner}\nexcept (MemoryError, OSError) as error:\n    say(repr(error))"
    stopped, said = ran(caught, locked_in, memory=2_000_000_000, file_size=1_000_000)
    assert stopped is None and error in said


@POSIX
@BOTH
@pytest.mark.parametrize(
    "code, cause",
    [
        ("[subprocess.Popen(['sleep', '50']) for _ in range(9)]\ntime.sleep(60)", StopCause.PROCESSES),
        ("while True:\n    os.fork() or time.sleep(60)\n    time.sleep(0.05)", StopCause.PROCESSES),
        ("keep = [os.fork() for _ in range(2)]\nx = b'1' * 80_000_000\ntime.sleep(60)", StopCause.MEMORY),
    ],
)
def test_processes_and_the_memory_of_all_are_limited(ran, locked_in, code, cause):
    limits = {"memory": 200_000_000} if cause is StopCause.MEMORY else {"processes": 8}
    words = {StopCause.MEMORY: "more than 0.2 GB of memory", StopCause.PROCESSES: "more than 8 processes"}
    stopped, _ = ran(code, locked_in, **limits)  # the code itself would end only after the limit of time
    assert stopped.cause is cause and words[cause] in stopped.words


@LOCKED_IN
@pytest.mark.parametrize(
    "code",
    [
        "os.listdir(os.path.expanduser('~root'))",
        "os.listdir({hidden!r})",
        "open({secret!r}).read()",
        "os.listdir('/tmp')",
    ],
)
def test_what_is_hidden_is_not_seen(ran, tmp_path, code):
    hidden = tmp_path / "handed in"
    hidden.mkdir()
    (hidden / "neighbour.ipynb").write_text("secret")
    code = code.format(hidden=str(hidden), secret=str(hidden / "neighbour.ipynb"))
    said = ran(f"try:\n    say(repr({code}))\nexcept OSError:\n    say('refused')", hidden=[hidden])[1]
    assert said and "neighbour" not in said and "secret" not in said


@LOCKED_IN
def test_of_the_system_only_what_is_needed_is_seen(ran):
    _, said = ran("say(' '.join(os.listdir('/')) + ' ' + ' '.join(os.listdir('/etc')))")
    seen = set(said.split())
    needed = [path.parts[1] for path in (PACKAGE, Path(sys.prefix), Path(sys.base_prefix))]
    assert seen.isdisjoint({"boot", "media", "mnt", "opt", "run", "srv", "var"} - set(needed))
    assert "usr" in seen and seen.isdisjoint({"fstab", "hostname", "machine-id", "shadow", "ssh"})


PLACES = {
    "in the project": (PACKAGE.parent, False),
    "beside Python": (Path(sys.prefix), False),
    "among the packages": (Path(sys.prefix, "lib"), True),
    "of a server": (Path("/srv"), False),
}


@pytest.fixture
def folder_with_grades(request):
    """A folder with a table in a place of `PLACES`."""
    if not os.access(request.param, os.W_OK):
        pytest.skip(f"{request.param} cannot be written")
    with tempfile.TemporaryDirectory(prefix="class-", dir=request.param) as folder:
        Path(folder, "grades.csv").write_text("secret")
        yield Path(folder)


@LOCKED_IN
@pytest.mark.parametrize(
    "folder_with_grades, hide", PLACES.values(), ids=PLACES, indirect=["folder_with_grades"]
)
def test_no_other_folder_is_seen(ran, folder_with_grades, hide):
    code = f"say(repr([*pathlib.Path({str(folder_with_grades)!r}).glob('*')]))"
    assert ran(code, hidden=[folder_with_grades] if hide else [])[1] == "[]"


@LOCKED_IN
@pytest.mark.parametrize("installed, said", [(True, str(PACKAGE)), (False, "ModuleNotFoundError: No module")])
def test_a_virtual_environment_behind_links_with_packages_elsewhere_is_found(tmp_path, installed, said):
    venv.create(tmp_path / "real" / "env", symlinks=True)
    (tmp_path / "link").symlink_to("real")
    (site_packages,) = (tmp_path / "real" / "env" / "lib").glob("python*/site-packages")
    packages = [path for path in sys.path if path.endswith("-packages")]
    (site_packages / "elsewhere.pth").write_text("\n".join(packages) if installed else "")
    code = "from labutils.exercises.grading.sandbox import *; print(bubblewrap_problem() or PACKAGE)"
    done = subprocess.run(
        [tmp_path / "link" / "env" / "bin" / "python", "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(PACKAGE.parent), *packages])},
    )
    assert said in done.stdout, done.stderr


def test_what_lies_in_a_folder_that_is_read_cannot_be_hidden(tmp_path):
    assert cannot_be_hidden(PACKAGE) and cannot_be_hidden(Path(sys.prefix, "lib"))
    assert not any(map(cannot_be_hidden, (tmp_path, PACKAGE.parent, QUESTIONS, Path(sys.prefix))))


@LOCKED_IN
@pytest.mark.parametrize("where", ["outside", "package", "prefix", "home"])
def test_nothing_outside_can_be_written(ran, tmp_path, where):
    places = {
        "outside": tmp_path / "new.txt",
        "package": PACKAGE / "new.txt",
        "prefix": Path(sys.prefix) / "new.txt",
        "home": Path.home() / "new.txt",
    }
    ran(f"try:\n    open({str(places[where])!r}, 'w').write('x')\nexcept OSError:\n    pass\nsay('done')")
    assert not places[where].exists()


@LOCKED_IN
@pytest.mark.parametrize(
    "code",
    [
        "import socket\nsocket.create_connection(('127.0.0.1', {port}), 2).send(b'x')",
        "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('8.8.8.8', 53))",
        "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:{port}', timeout=2)",
    ],
)
def test_there_is_no_network(ran, code):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        inner = code.format(port=server.getsockname()[1]).replace("\n", "\n    ")
        _, said = ran(f"try:\n    {inner}\n    say('sent')\nexcept OSError as error:\n    say('refused')")
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()
    assert said == "refused"


@LOCKED_IN
def test_its_files_cannot_be_replaced(ran):
    code = "try:\n    os.unlink('said')\nexcept OSError:\n    say('kept')"
    assert ran(code)[1] == "kept"


@LOCKED_IN
@pytest.mark.parametrize(
    "hidden, shown",
    [
        (PACKAGE.parent, True),
        (PACKAGE, True),
        (Path(sys.prefix), True),
        (QUESTIONS, False),
    ],
)
def test_hidden_folders_and_the_package_may_lie_in_each_other(ran, hidden, shown):
    code = f"import labutils.validation\nsay(str(os.path.exists({str(QUESTIONS / 'gates.py')!r})))"
    assert ran(code, hidden=[hidden])[1] == str(shown)


@pytest.mark.parametrize(
    "platform, found, reason", [("darwin", "x", "Linux only"), ("linux", None, "is not installed")]
)
def test_why_it_cannot_be_used_is_said_in_words(monkeypatch, platform, found, reason):
    monkeypatch.setattr(sandbox.sys, "platform", platform)
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: found)
    assert reason in sandbox.bubblewrap_problem.__wrapped__()


@pytest.mark.skipif(os.name != "posix", reason="a script stands for bwrap")
def test_why_bubblewrap_fails_is_quoted(monkeypatch, tmp_path):
    script = tmp_path / "bwrap"
    script.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setattr(sandbox.sys, "platform", "linux")
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: str(script))
    assert "setting up uid map: Permission denied" in sandbox.bubblewrap_problem.__wrapped__()
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: str(tmp_path / "no program"))
    assert "does not start" in sandbox.bubblewrap_problem.__wrapped__()
