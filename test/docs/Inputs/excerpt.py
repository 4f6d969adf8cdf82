"""Fails unless a file holds what it reads from stdin, white space aside."""

import re
import sys


def words(text):
    return re.sub(r"\s+", "", text)


with open(sys.argv[1], encoding="utf-8") as file:
    if words(sys.stdin.read()) not in words(file.read()):
        sys.exit(f"not found in {sys.argv[1]}")
