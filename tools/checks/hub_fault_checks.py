"""Checks of the faults of tools/hub: curl, which knows nothing of them, must say what is wrong."""

def check_faults(checks, folder, work):
    pass
