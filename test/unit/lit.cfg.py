"""Tests of parts of the library: a GoogleTest program, split among the workers."""

import os

import lit.formats

if not hasattr(config, "tessera_obj_dir"):
    lit_config.fatal("run lit on the build's test folder, or build the target check-tessera")

config.name = "Tessera-Unit"
config.test_format = lit.formats.GoogleTest(".", "tessera-unit")
config.test_source_root = config.test_exec_root = config.tessera_obj_dir + "/test/unit"

# Tests of permissions become another user, whom lit's own temporary folder would
# shut out. Every test removes what it creates.
os.environ["LIT_PRESERVES_TMP"] = "1"
if config.sanitize == "ON": # as in test/lit.cfg.py
    config.environment["ASAN_OPTIONS"] = "allow_user_poisoning=0"
