"""Fails unless each code block of a page is in one of some files, white space aside.

    excerpt.py LANGUAGE PAGE FILE...

A line that says "..." alone stands for any lines. A block with a `main` is a whole
program: programs.test runs it.
"""

import re
import sys

sys.dont_write_bytecode = True  # tests leave the sources alone
from quoted import blocks


def words(text):
    return re.sub(r"\s+", "", text)


language, page, *names = sys.argv[1:]
files = []
for name in names:
    with open(name, encoding="utf-8") as file:
        files.append(words(file.read()))


def holds(file, block):
    at = 0
    for part in re.split(r"^\s*\.\.\.\s*$", block, flags=re.MULTILINE):
        at = file.find(words(part), at)
        if at < 0:
            return False
    return True


wrong = [
    block
    for block in blocks(page, language)
    if " main(" not in block and not any(holds(file, block) for file in files)
]
for block in wrong:
    print(f"{page}: in none of {', '.join(names)}:\n{block}")
sys.exit(bool(wrong))
