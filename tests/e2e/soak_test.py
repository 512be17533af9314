# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""A short soak; `make soak` does the long one, and one under valgrind."""

import sys

import pytest
from harness import REPOSITORY, SLOW, load_programs

sys.path.insert(0, str(REPOSITORY / "tests" / "bench"))

import soak  # noqa: E402

QUESTIONS = 40_000 if SLOW else 200_000


def test_a_mixed_load_loses_nothing_and_leaves_nothing_behind(tmp_path):
    programs = load_programs()
    if not programs:
        pytest.skip("the load generators are not built: make e2e builds them")
    print(*soak.soak(programs, tmp_path, QUESTIONS), sep="\n")
