"""Code blocks of a page of Markdown.

    quoted.py LANGUAGE PAGE              prints them, one after the other
    quoted.py LANGUAGE PAGE --with TEXT  only those that hold a text
"""

import argparse
import sys


def blocks(page, language):
    """Each block of the language, as text."""
    opened, block = None, []
    with open(page, encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("```"):
                block.append(line)
                continue
            if opened == language:
                yield "".join(block)
            opened = line.strip()[3:] if opened is None else None
            block = []


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("language")
    parser.add_argument("page")
    parser.add_argument("--with", dest="text", default="")
    arguments = parser.parse_args()
    found = [b for b in blocks(arguments.page, arguments.language) if arguments.text in b]
    if not found:
        sys.exit(f"{arguments.page}: no such block")
    sys.stdout.write("".join(found))
