# SPDX-License-Identifier: MIT
"""What a run may leave behind, found by listing: processes, folders of sockets, shared memory, temporary files, cgroups.

    before = leavings.look()
    ...
    for text in leavings.since(before): ...

Processes are those with this test's SCRATCH in their environment; what is in /tmp belongs to it if it says so, since other tests
run beside it.
"""
import glob
import os

RUNS = os.environ["XDG_STATE_HOME"] + "/lpad/runs"


def environment_of(pid):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []


def words_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def processes():
    """{pid: command} of this test; what has ended and is only not reaped yet has no environment."""
    mine = b"SCRATCH=" + os.environ["SCRATCH"].encode()
    return {int(pid): words_of(pid) for pid in os.listdir("/proc") if pid.isdigit() and mine in environment_of(pid)}


def sockets():
    """Folders of sockets: all in our own place, and in that of detached runs those that name a record of ours, or none."""
    found = set(glob.glob(os.environ["XDG_RUNTIME_DIR"] + "/lpad/*"))
    for folder in glob.glob(f"/tmp/lpad-{os.geteuid()}/*"):
        try:
            if os.readlink(folder + "/record").startswith(RUNS):
                found.add(folder)
        except OSError:
            pass
    return found


def files_below(folder):
    return {os.path.join(above, name) for above, _, names in os.walk(folder) for name in names}


def half_written():
    """What was to be renamed into place."""
    return {path for path in files_below(RUNS) if ".new." in os.path.basename(path)}


def system_v():
    found = set()
    for kind in ("shm", "msg", "sem"):
        try:
            with open(f"/proc/sysvipc/{kind}") as file:
                found |= {f"{kind} {line.split()[1]}" for line in file.readlines()[1:]}
        except OSError:
            pass
    return found


def cgroups():
    return set(glob.glob("/sys/fs/cgroup/**/lpad*", recursive=True))


def look():
    return {
        "process": {f"{pid} {words}" for pid, words in processes().items()},
        "folder of sockets": sockets(),
        "shared memory": set(os.listdir("/dev/shm")) | system_v(),
        "temporary file": files_below(os.environ["TMPDIR"]) | half_written(),
        "file in the cache": files_below(os.environ["XDG_CACHE_HOME"]),
    }


def since(before):
    """What is there now and was not, in words."""
    return [f"{kind} left behind: {one}" for kind, now in look().items() for one in sorted(now - before[kind])]
