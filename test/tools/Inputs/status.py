"""status.py N COMMAND...: runs a command and fails unless its status is N."""

import subprocess
import sys

status = subprocess.run(sys.argv[2:]).returncode
if status != int(sys.argv[1]):
    sys.exit(f"status {status}, expected {sys.argv[1]}")
