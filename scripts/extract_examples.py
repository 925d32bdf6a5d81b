#!/usr/bin/python3
"""Takes the marked examples out of a Markdown page, so that what the documents show is what the tests build.

    extract_examples.py PAGE DIRECTORY [--require NAME]...

In the page, a comment before a fenced block names it:

    <!-- example: server -->
    ```cpp
    ...
    ```

It becomes DIRECTORY/server.cpp. A name that has a dot (`CMakeLists.txt`) is the file's whole name. A mark without a
block, a name that comes twice and a missing --require NAME are errors. Files whose content is the same are not touched.
"""
import argparse
import pathlib
import re
import sys

MARK = re.compile(r"^\s*<!--\s*example:\s*([A-Za-z0-9_.-]+)\s*-->\s*$")
FENCE = re.compile(r"^(\s*)(```+)\s*([A-Za-z0-9+#]*)\s*$")
SUFFIX = {"cpp": ".cpp", "c++": ".cpp", "cmake": ".cmake", "sh": ".sh", "toml": ".toml", "python": ".py", "json": ".json"}


class PageError(Exception):
    pass


def file_name(name, language):
    if "." in name.strip("."):
        return name
    if language not in SUFFIX:
        raise PageError(f"example {name}: block of language '{language}', expected one of {', '.join(SUFFIX)}")
    return name + SUFFIX[language]


def examples(text):
    """{file name: content} of every marked block."""
    found = {}
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        mark = MARK.match(line)
        if not mark:
            fence = FENCE.match(line)
            if fence:  # an unmarked block: what looks like a mark inside it is not one
                for _, inner in lines:
                    if inner.strip() == fence.group(2):
                        break
            continue
        name = mark.group(1)
        fence = None
        for _, line in lines:
            if line.strip():
                fence = FENCE.match(line)
                break
        if not fence:
            raise PageError(f"line {number}: example {name} is not followed by a ``` block")
        indent, ticks, language = fence.groups()
        body = []
        for _, line in lines:
            if line.strip() == ticks:
                break
            body.append(line.removeprefix(indent))
        else:
            raise PageError(f"line {number}: the block of example {name} does not end")
        target = file_name(name, language)
        if target in found:
            raise PageError(f"line {number}: example {target} comes twice")
        found[target] = "\n".join(body) + "\n"
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--require", action="append", default=[], metavar="NAME")
    options = parser.parse_args()
    try:
        found = examples(options.page.read_text())
        for name in options.require:
            if not any(file == name or pathlib.PurePath(file).stem == name for file in found):
                raise PageError(f"there is no example {name}")
    except (OSError, PageError) as error:
        print(f"{options.page}: {error}", file=sys.stderr)
        return 1
    options.directory.mkdir(parents=True, exist_ok=True)
    for name, content in found.items():
        target = options.directory / name
        if not target.exists() or target.read_text() != content:
            target.write_text(content)
        print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
