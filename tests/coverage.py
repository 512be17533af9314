"""Tells which lines of src the unit tests run: per folder, and per file with the lines that are not.

Usage: coverage.py BUILD [FILE...]: a build with gcov's counters, whose tests have been run; the
files whose lines are listed, as src/policy/servers.cc.
"""

import collections
import json
import pathlib
import subprocess
import sys


def counts(build):
    """{file: {line: how often it ran}}, headers too"""
    lines = collections.defaultdict(collections.Counter)
    objects = sorted(pathlib.Path(build).rglob("*.gcda"))  # tests have what is inline, too
    if not objects:
        sys.exit(f"coverage: no counters below {build}")
    for counters in objects:
        output = subprocess.run(["gcov", "--json-format", "--stdout", counters], check=True,
                                capture_output=True, text=True).stdout
        for report in filter(None, output.splitlines()):
            for file in json.loads(report)["files"]:
                if file["file"].startswith("src/"):
                    for line in file["lines"]:
                        lines[file["file"]][line["line_number"]] += line["count"]
    return lines


def share(files):
    ran = sum(count > 0 for lines in files for count in lines.values())
    total = sum(map(len, files))
    return f"{100 * ran / max(total, 1):6.1f} % of {total:5} lines"


def main():
    build, *listed = sys.argv[1:]
    lines = counts(build)
    folders = collections.defaultdict(list)
    for name in sorted(lines):
        folders[name.split("/")[1]].append(name)
    for folder, names in sorted(folders.items()):
        print(f"{share([lines[name] for name in names])}  src/{folder}")
        for name in names:
            print(f"{share([lines[name]])}    {name}")
    for name in listed:
        missing = [str(line) for line, count in sorted(lines[name].items()) if count == 0]
        print(f"{name}: not run: {', '.join(missing) or 'none'}")


if __name__ == "__main__":
    main()
