#!/usr/bin/env python3
"""Holds `ingot scan` against four other scanners on files that are known to be malicious or harmless.

    python3 tools/checks/check_scan.py INGOT CORPUS [--peers DIR] [--strace] [--pickles N] [--list]

CORPUS is a folder with malicious/ and harmless/, as tools/corpus/scan_corpus.py makes it. --peers: also runs picklescan,
modelscan, fickling and modelaudit, each from the environment DIR/NAME (made with pip, at the versions below, where it
isn't there), and prints a table. ingot must find everything that they find together, and have fewer false alarms than
each. --strace: on every file, `scan`, `inspect` and `convert` may open nothing for writing but their output, and
start nothing but ingot's own child. --pickles: so many random pickles, of which every global that Python's
pickletools resolves must be told. --list names the files that each missed or took for malicious.

Found is what a scanner says by its exit status or, where that is no answer, by its result. What it can't tell, by its
own word, and an error of it, count as neither. Exits with status 1 if anything is not as it must be.
"""

import argparse
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

from checks import Checks

PEERS = {
    "picklescan": "picklescan==1.0.5",
    "modelscan": "modelscan[h5py]==0.8.8",
    "fickling": "fickling==0.1.12 typing_extensions",
    "modelaudit": "modelaudit[all]==0.2.54",
}

# What runs inside a peer's environment: prints a JSON line for each path of standard input.
RUNNERS = {
    "picklescan": """
from picklescan.scanner import scan_file_path
def look(path):
    result = scan_file_path(path)
    return "found" if result.issues_count else "error" if result.scan_err else "clean"
""",
    "modelscan": """
from modelscan.modelscan import ModelScan
def look(path):
    result = ModelScan().scan(path)
    if result["summary"]["total_issues"]: return "found"
    if result["errors"]: return "error"
    return "clean" if result["summary"]["scanned"]["total_scanned"] else "skipped"
""",
    "fickling": """
import zipfile
from fickling.analysis import Severity
from fickling.loader import scan_file, scan_zip_archive
def look(path):
    if zipfile.is_zipfile(path): results = list(scan_zip_archive(path, graceful=True).values())
    else: results = [scan_file(path, graceful=True)]
    if any(one.severity > Severity.LIKELY_SAFE for result in results for one in result.results): return "found"
    return "error" if any(result.errors for result in results) else "clean" if results else "skipped"
""",
    "modelaudit": """
import os
os.environ["PROMPTFOO_DISABLE_TELEMETRY"] = "1"
from modelaudit.core import scan_model_directory_or_file
from modelaudit.core_results import determine_exit_code
def look(path):
    return {0: "clean", 1: "found"}.get(determine_exit_code(scan_model_directory_or_file(path, cache_enabled=False)), "error")
""",
}
# It ends with status 1 for warnings too; this is what it calls critical.
RUNNERS["modelaudit, critical only"] = (
    RUNNERS["modelaudit"].partition("def look")[0]
    + """
def look(path):
    result = scan_model_directory_or_file(path, cache_enabled=False)
    if any(str(issue.severity.value) == "critical" for issue in result.issues): return "found"
    return "error" if determine_exit_code(result) == 2 else "clean"
"""
)

LOOP = """
import sys, json, contextlib, io, logging
logging.disable(logging.CRITICAL)
for line in sys.stdin:
    path = line.rstrip("\\n")
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            answer = look(path)
    except BaseException as error:
        answer = "error"
    print(json.dumps([path, answer]), flush=True)
"""


def environment(folder, peer):
    peer = peer.partition(",")[0]
    python = folder / peer / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder / peer], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS[peer].split()], check=True)
    return python


def run_peer(python, peer, paths):
    """The answers of a peer by path; one that ends its process on a file is started again behind it."""
    answers = {}
    left = list(paths)
    while left:
        done = subprocess.run(
            [python, "-c", RUNNERS[peer] + LOOP], input="\n".join(map(str, left)) + "\n", capture_output=True, text=True
        )
        for line in done.stdout.splitlines():
            path, answer = json.loads(line)
            answers[path] = answer
        remaining = [path for path in left if str(path) not in answers]
        if len(remaining) == len(left) or remaining:
            answers[str(remaining[0])] = "error"
            remaining = remaining[1:]
        left = remaining
    return answers


def run_ingot(ingot, folder, checks):
    done = subprocess.run([ingot, "scan", "--json", folder], capture_output=True, text=True)
    report = json.loads(done.stdout)
    wanted = {"nothing": 0, "cannot-tell": 65, "something": 1}[report["verdict"]]
    checks.check(done.returncode == wanted, f"exit status {done.returncode} for {report['verdict']}")
    names = {"nothing": "clean", "cannot-tell": "cannot tell", "something": "found"}
    return {file["path"]: names[file["verdict"]] for file in report["files"]}


def compare(arguments, files, checks):
    answers = {"ingot": {}}
    for folder in ("malicious", "harmless"):
        answers["ingot"] |= run_ingot(arguments.ingot, arguments.corpus / folder, checks)
    if arguments.peers:
        for peer in RUNNERS:
            python = environment(arguments.peers, peer)
            answers[peer] = run_peer(python, peer, files["malicious"] + files["harmless"])
    print(
        f"| scanner | found of {len(files['malicious'])} malicious | can't tell | false alarms of "
        f"{len(files['harmless'])} harmless | can't tell |\n|---|---:|---:|---:|---:|"
    )
    alarms = {}
    for scanner, answer in answers.items():
        counts = []
        for folder in ("malicious", "harmless"):
            told = [answer[str(path)] for path in files[folder]]
            counts += [
                told.count("found"),
                len(told) - told.count("found") - told.count("clean") - told.count("skipped"),
            ]
        alarms[scanner] = counts[2]
        package, _, rest = scanner.partition(",")
        name = (
            re.sub(r"\[.*\]", "", PEERS[package].split()[0]).replace("==", " ") + ("," + rest if rest else "")
            if package in PEERS
            else "ingot scan"
        )
        print(f"| {name} | {counts[0]} | {counts[1]} | {counts[2]} | {counts[3]} |")
        if arguments.list:
            for path in files["malicious"]:
                if answer[str(path)] != "found":
                    print(f"  {scanner} missed ({answer[str(path)]}) {path.relative_to(arguments.corpus)}")
            for path in files["harmless"]:
                if answer[str(path)] == "found":
                    print(f"  {scanner} false alarm {path.relative_to(arguments.corpus)}")
    for path in files["malicious"]:
        own = answers["ingot"][str(path)]
        checks.check(own != "clean", f"nothing is found in {path}")
        others = [peer for peer in RUNNERS if answers.get(peer, {}).get(str(path)) == "found"]
        checks.check(own == "found" or not others, f"{path}: found by {', '.join(others)}, {own} here")
    for path in files["harmless"]:
        checks.check(answers["ingot"][str(path)] == "clean", f"false alarm: {path}")
    for peer in answers.keys() - {"ingot"}:
        checks.check(alarms["ingot"] < alarms[peer], f"no fewer false alarms than {peer}")
    checks.end_group("files")


# ------------------------------------------------------------------------------------------------ what the program does

OPENED = re.compile(r'open(?:at)?\((?:AT_FDCWD, )?"([^"]*)", ([A-Z_|0-9]+)')
WRITES = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC")
OTHER_CALLS = ("unlink", "rename", "mkdir", "link", "symlink", "chmod", "truncate", "connect", "bind", "socket(")


def traced(command, log):
    calls = (
        "open,openat,creat,execve,execveat,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,link,linkat,symlink,"
    )
    calls += "symlinkat,chmod,fchmodat,truncate,connect,bind,socket"
    subprocess.run(["strace", "-f", "-qq", "-o", log, "-e", f"trace={calls}", *map(str, command)], capture_output=True)
    return [re.sub(r"^\d+ +", "", line) for line in pathlib.Path(log).read_text(errors="replace").splitlines()]


def check_calls(arguments, files, checks):
    ingot = os.path.realpath(arguments.ingot)
    with tempfile.TemporaryDirectory() as folder:
        log, shelf = f"{folder}/log", f"{folder}/shelf"
        for path in files["malicious"] + files["harmless"]:
            for verb, options in (("scan", []), ("inspect", []), ("convert", ["--family", "plain", "--shelf", shelf])):
                wrong = []
                for line in traced([arguments.ingot, verb, path, *options], log):
                    if "ENOENT" in line and "O_CREAT" not in line:
                        continue
                    opened = OPENED.match(line)
                    inside = f'"{folder}' in line
                    if opened and any(flag in opened[2] for flag in WRITES):
                        if not (verb == "convert" and inside) and opened[1] not in ("/dev/null", "/dev/tty"):
                            wrong.append(line)
                    elif line.startswith("execve"):
                        started = re.match(r'execve(?:at)?\("([^"]*)"', line)[1]
                        if started != "/proc/self/exe" and os.path.realpath(started) != ingot:
                            wrong.append(line)
                    elif line.startswith(OTHER_CALLS) and not (verb == "convert" and inside):
                        wrong.append(line)
                checks.check(not wrong, f"{verb} {path}: {wrong[:3]}")
    checks.end_group("system calls of scan, inspect and convert")


# ------------------------------------------------------------------------------------------------------ random pickles


def resolved(data):
    """Globals that a simple reading of the opcodes finds: names of GLOBAL and INST, and strings right before STACK_GLOBAL."""
    import pickletools

    names, strings = set(), []
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name in ("GLOBAL", "INST"):
                names.add(argument.replace(" ", ".", 1))
            elif opcode.name == "STACK_GLOBAL" and len(strings) > 1 and None not in strings[-2:]:
                names.add(".".join(strings[-2:]))
            if opcode.name in ("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"):
                strings.append(argument)
            elif opcode.name != "MEMOIZE":
                strings.append(None)
    except ValueError:
        pass
    return names


def random_pickle(generator):
    sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "corpus"))
    from scan_pickles import text

    words = ["os", "system", "torch", "a.b", "collections", "OrderedDict", "x" * 300, "é"]
    out = b"\x80\x04"
    for _ in range(generator.randrange(1, 40)):
        kind = generator.randrange(9)
        module, name = generator.choice(words), generator.choice(words)
        if kind == 0:
            out += f"c{module}\n{name}\n".encode()
        elif kind == 1:
            out += (
                b"\x8c" + bytes([len(module[:90].encode())]) + module[:90].encode() + b"\x94" + text(name) + b"\x94\x93"
            )
        elif kind == 2:
            out += b"(" + f"i{module}\n{name}\n".encode()
        else:
            out += generator.choice(
                [
                    b")R",
                    b"N",
                    b"0",
                    b"(",
                    b"t",
                    b"]",
                    b"b",
                    b"2",
                    b"\x94",
                    b"h\x00",
                    b"K\x07",
                    b"\x85",
                    b"a",
                    b"e",
                    b"o",
                ]
            )
    return out + b"."


def check_pickles(arguments, checks):
    generator = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        wanted = {}
        for number in range(arguments.pickles):
            path = os.path.join(folder, f"{number}.pkl")
            data = random_pickle(generator)
            pathlib.Path(path).write_bytes(data)
            wanted[path] = resolved(data)
        report = json.loads(
            subprocess.run([arguments.ingot, "scan", "--json", folder], capture_output=True, text=True).stdout
        )
        for file in report["files"]:
            missing = wanted[file["path"]] - {entry["name"] for entry in file["globals"]}
            checks.check(not missing, f"{file['path']}: {missing} not told")
    checks.end_group("random pickles, beside pickletools")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("ingot")
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("--peers", type=pathlib.Path)
    parser.add_argument("--strace", action="store_true")
    parser.add_argument("--pickles", type=int, default=0)
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    checks = Checks()
    files = {
        folder: sorted(path for path in (arguments.corpus / folder).rglob("*") if path.is_file())
        for folder in ("malicious", "harmless")
    }
    compare(arguments, files, checks)
    if arguments.pickles:
        check_pickles(arguments, checks)
    if arguments.strace:
        check_calls(arguments, files, checks)
    checks.exit()


if __name__ == "__main__":
    main()
