# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""What a newcomer types first: the questions of README's front page are answered."""

import re
import shlex
import shutil
import subprocess

import pytest
from harness import PATIENCE, REPOSITORY, with_address

TEXT = (REPOSITORY / "README.md").read_text().replace("\\\n", " ")
QUESTIONS = re.findall(r"^    dig @127\.0\.0\.1 -p 5300 (.*)$", TEXT, re.M)
pytestmark = pytest.mark.skipif(not shutil.which("dig"), reason="no dig here")


def dig(server, words):
    result = subprocess.run(["dig", "@127.0.0.1", "-p", str(server.port), "+short", *words.split()],
                            capture_output=True, text=True, timeout=PATIENCE * 2, check=True)
    return result.stdout.split()


def test_the_container_of_the_front_page_has_its_names(dnslet, upstream):
    [line] = re.findall(r"^    docker run (.*)$", TEXT, re.M)
    words = shlex.split(line)
    variables = dict(word.split("=", 1) for flag, word in zip(words, words[1:]) if flag == "-e")
    image = (REPOSITORY / "docker" / "Dockerfile").read_text()
    variables |= dict(word.split("=") for word in re.search(r"^ENV (.*)$", image, re.M)[1].split())
    variables.pop("DNSMASQ_LISTEN")
    variables["DNSMASQ_SERVERS"] = upstream(with_address()).address
    server = dnslet(env=variables)
    assert dig(server, QUESTIONS[0]) == ["10.0.0.5"]
    assert dig(server, "x.apps.test") == ["10.0.0.80"]
    assert dig(server, "example.com") == ["192.0.2.1"]


def test_make_run_answers_the_questions_of_the_front_page(dnslet, upstream):
    [flags] = re.findall(r"\$\(PROGRAM\) --listen 127\.0\.0\.1:\$\(PORT\) (.*) \"\$\$@\"", (REPOSITORY / "Makefile").read_text())
    hosts = REPOSITORY / "docker" / "hosts" / "example"
    server = dnslet(*flags.replace("docker/hosts/example", str(hosts)).split(), to=[upstream(with_address())])
    answers = {words: dig(server, words) for words in QUESTIONS}
    assert answers == {"db.test": ["10.0.0.5"], "anything.apps.test": ["10.0.0.80"], "-x 10.0.0.5": ["db.test."],
                       "example.com": ["192.0.2.1"]}
