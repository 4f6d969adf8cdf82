"""Tests of what kernels compute: a GoogleTest program, split among the workers."""

import lit.formats

if not hasattr(config, "tessera_obj_dir"):
    lit_config.fatal("run lit on the build's test folder, or build the target check-tessera")

config.name = "Tessera-Kernels"
config.test_format = lit.formats.GoogleTest(".", "tessera-kernels")
config.test_source_root = config.test_exec_root = config.tessera_obj_dir + "/test/kernels"
if config.sanitize == "ON": # as in test/lit.cfg.py
    config.environment["ASAN_OPTIONS"] = "allow_user_poisoning=0"
