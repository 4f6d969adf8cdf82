"""Fails when a page of Markdown links to a file that does not exist."""

import os
import re
import sys

missing = 0
for page in sys.argv[1:]:
    with open(page, encoding="utf-8") as file:
        text = file.read()
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target and not os.path.exists(os.path.join(os.path.dirname(page), target)):
            print(f"{page}: no file {target}")
            missing += 1
sys.exit(missing != 0)
