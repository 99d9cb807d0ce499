/* SPDX-License-Identifier: MIT */
/*
 * Decoders under random input. `make fuzz` builds each tests/fuzz/NAME.c with clang's libFuzzer into build/fuzz/fuzz/NAME;
 * `make check` runs each over its corpus (tests/fuzz/replay.c), so that what was found once stays found.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
