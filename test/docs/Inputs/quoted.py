"""Prints the code blocks of one language in a page of Markdown, one after the other."""

import sys

language, page = sys.argv[1:]
inside = False
with open(page, encoding="utf-8") as lines:
    for line in lines:
        if line.startswith("```"):
            inside = not inside and line.strip() == "```" + language
        elif inside:
            sys.stdout.write(line)
