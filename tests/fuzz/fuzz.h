/*
 * fuzz: the entry point that libFuzzer, AFL++ and replay.c share. One fuzz_<name>.c per parser;
 * its corpus is tests/fuzz/corpus/<name>/. `make check` runs every corpus file once with the
 * ordinary compiler, `make fuzz` searches for new ones with clang.
 */
#ifndef LM_FUZZ_H
#define LM_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
