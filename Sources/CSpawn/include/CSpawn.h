#ifndef LOXEVAL_CSPAWN_H
#define LOXEVAL_CSPAWN_H

#include <sys/types.h>

/// Starts `/bin/sh -c SCRIPT NAME ARGUMENT` in a process group of its own, with no signal blocked or
/// ignored, the given descriptors as its three streams, and no other descriptor.
///
/// Returns 0 and the process in `*process`, or an errno value.
int loxeval_spawn_shell(
    const char *script, const char *name, const char *argument, int input, int output,
    pid_t *process);

#endif
