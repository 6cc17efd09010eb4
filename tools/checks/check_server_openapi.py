"""schemathesis, from PyPI, makes requests of the server's own description, /openapi.json: each answer must be one that it describes.

Called by check_server.py. Left out is the check that whatever fits the description is accepted: no schema can say that some base64 is a
picture, or that a question fits a net's length.
"""

import pathlib
import subprocess
import sys
import tempfile


def check_openapi(checks, server, examples):
    command = [
        str(pathlib.Path(sys.executable).parent / "schemathesis"), "run", server.address + "/openapi.json", "--max-examples", str(examples),
        "--exclude-checks", "positive_data_acceptance", "--phases", "examples,coverage,fuzzing", "--no-color"]
    # It keeps what it found in the folder that it runs in.
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, capture_output=True, text=True, timeout=3600, cwd=folder)
    if done.returncode != 0:
        print(done.stdout[-6000:], done.stderr[-2000:])
    checks.check(done.returncode == 0, f"schemathesis: status {done.returncode}")
    checks.check("Test cases:" in done.stdout and "generated" in done.stdout, "schemathesis: requests were made")
    told = [line.strip() for line in done.stdout.splitlines() if "generated" in line]
    checks.end_group(f"schemathesis ({'; '.join(told)})")
