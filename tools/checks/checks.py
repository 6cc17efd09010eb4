"""The count that the check_*.py scripts keep."""

import sys


class Checks:
    """Counts what holds and what doesn't, and prints what doesn't."""

    def __init__(self):
        self.passed = self.failed = 0
        self.group_passed = 0

    def check(self, holds, what):
        if holds:
            self.passed += 1
        else:
            self.fail(what)

    def fail(self, what):
        self.failed += 1
        print(f"FAILED: {what}", flush=True)

    def same(self, found, wanted, what):
        """Two dictionaries must be equal; says which keys are not."""
        wrong = sorted(str(key) for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key))
        self.check(not wrong, f"{what}: {len(wrong)} of {len(wanted)} differ: {', '.join(wrong[:4])}")

    def end_group(self, title):
        print(f"{title}: {self.passed - self.group_passed}")
        self.group_passed = self.passed

    def exit(self):
        """Ends the program with the sum; status 1 if anything failed."""
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(self.failed > 0)
