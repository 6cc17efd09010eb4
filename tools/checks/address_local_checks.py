"""Checks of commands on files here: they ask nobody, and need no libcurl; what is said where it lacks."""

import pathlib
import re
import shutil
import subprocess

from hub_command import UNAVAILABLE, Command
from running_hub import RunningHub

DEMO = pathlib.Path(__file__).resolve().parents[2] / "weights/demo"
PICTURE = DEMO / "pictures/red-circle-0004.png"
NO_LIBRARY = "addresses need libcurl, which can't be loaded: …"
INSTALL = (
    "install it (Debian: apt install libcurl4, from Debian 13 on libcurl4t64), or fetch the files by another program "
    "and name them here"
)


def commands(folder, shelf):
    """Those that read files here, in an order in which each finds what it needs."""
    shelved = ("--shelf", shelf, "--set", "Release=demo")
    samples = folder / "samples"
    return [
        ("list",),
        ("limits",),
        ("inspect", DEMO),
        ("inspect", samples / "both/pytorch_model.bin", "--json"),
        ("inspect", samples / "gguf"),
        ("inspect", samples / "more/arrays.npz"),
        ("scan", samples / "both"),
        ("diff", samples / "both/model.safetensors", samples / "both/pytorch_model.bin"),
        ("convert", DEMO, "--shelf", shelf),
        ("convert", samples / "gguf", "--shelf", shelf),
        ("verify", *shelved, "--source", DEMO),
        ("quantize", *shelved),
        ("export", *shelved, "--to", "safetensors", f"{shelf}-exported"),
        ("ask", PICTURE, "what shape is present?", *shelved),
        ("features", PICTURE, *shelved, "--output", f"{shelf}.csv"),
        ("tokenize", "what shape?", *shelved),
    ]


def traced(command, log, arguments):
    """Runs a command; the calls that speak to a network, and the files of libcurl that it looks for."""
    prefix = ["strace", "-f", "-qq", "-o", str(log), "-e", "trace=%network,open,openat,execve"]
    done = command.run(*arguments, prefix=prefix)
    lines = log.read_text(errors="replace").splitlines()
    opened = sum("openat(" in line for line in lines)
    return done, opened, [line for line in lines if is_network(line)]


def is_network(line):
    call = re.match(r"\d+ +(?:<\.\.\. )?(\w+)", line)
    if call and call[1] in ("open", "openat", "execve"):
        return "libcurl" in line
    # A pair of sockets leads nowhere but to a child of one's own.
    return bool(call) and call[1] not in ("exit_group", "socketpair") and "---" not in line and "+++" not in line


def check_calls(checks, ingot, hub, folder, work):
    command = Command(ingot, hub, f"{work}/local", HF_TOKEN="hf_reader")
    log = pathlib.Path(work, "calls")
    probe = ["strace", "-o", "/dev/null", "true"]
    if not shutil.which("strace") or subprocess.run(probe, capture_output=True).returncode:
        print("skipped: calls of commands, because strace can't be used here")
        return
    # That the network is seen where there is one.
    done, opened, network = traced(command, log, ("inspect", "hf://samples/both"))
    seen = any("libcurl" in line for line in network) and any("AF_INET" in line for line in network)
    checks.check(done.status == 0 and seen, f"an address: {done.errors}, {network[:3]}")
    hub.faults()
    for arguments in commands(folder, f"{work}/shelf"):
        done, opened, network = traced(command, log, arguments)
        checks.check(done.status == 0, f"{arguments}: {done.status}, {done.errors}")
        checks.check(opened > 0 and not network, f"{arguments}: {network[:3]}")
    # Debian's libhdf5 is itself linked with libcurl, in the child process that has no network.
    done, opened, network = traced(command, log, ("inspect", folder / "samples/more/arrays.h5"))
    checks.check(done.status == 0 and not any("libcurl" not in line for line in network), f"HDF5: {network[:3]}")
    checks.check(not hub.log(), "the hub was asked")
    checks.end_group("commands on files here")


def libraries():
    """Files of libcurl that may be loaded here."""
    listed = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True).stdout
    return sorted({str(pathlib.Path(path).resolve()) for path in re.findall(r"libcurl\S* .*=> (\S+)", listed)})


def check_missing(checks, ingot, hub, folder, work):
    """Where libcurl isn't: in a view of the file system in which its files are empty."""
    hide = "; ".join(f"mount --bind /dev/null {path} || exit 99" for path in libraries())
    prefix = ["unshare", "--mount", "sh", "-c", hide + '; exec "$@"', "sh"]
    command = Command(ingot, hub, f"{work}/missing")
    if subprocess.run([*prefix, "true"], capture_output=True).returncode:
        print("skipped: without libcurl, because its files can't be hidden here")
        return
    begin = NO_LIBRARY.removesuffix("…")
    for arguments in (
        ("inspect", "hf://samples/both"),
        ("pull", "hf://samples/both"),
        ("convert", "hf://samples/both"),
        ("inspect", f"{hub.content}/files/samples/both/model.safetensors"),
    ):
        done = command.run(*arguments, prefix=prefix)
        right = done.status == UNAVAILABLE and done.error.startswith(begin) and done.hint == INSTALL
        checks.check(right and len(done.lines) == 2, f"{arguments} without libcurl: {done.status}, {done.errors}")
    for arguments in commands(folder, f"{work}/shelf-without"):
        done = command.run(*arguments, prefix=prefix)
        checks.check(done.status == 0, f"{arguments} without libcurl: {done.status}, {done.errors}")
    checks.end_group("without libcurl")


def check_local(checks, ingot, folder, work):
    with RunningHub(folder) as hub:
        check_calls(checks, ingot, hub, folder, work)
        check_missing(checks, ingot, hub, folder, work)
