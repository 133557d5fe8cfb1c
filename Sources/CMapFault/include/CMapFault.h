#pragma once

#include <stddef.h>

/// Has a page of a watched map that cannot be read end the process with a line on standard error and
/// exit status 3, instead of by SIGBUS alone. A SIGBUS anywhere else ends it as before.
///
/// A thread that blocks SIGBUS is ended by it all the same, without a line.
void cadenas_map_faults_begin(void);

/// Watches the `bytes` bytes from `start` on, for which `line`, of `count` bytes, is what is said last.
///
/// The line is copied. Where `time_offset` is not negative, the 20 bytes there are written over with
/// the time, as in `2026-01-31T12:00:00Z`. Returns the place in the table, or -1 where it is full or
/// the line is longer than 2,048 bytes. Not from two threads at once.
int cadenas_map_fault_watch(const void *start, size_t bytes, const char *line, size_t count,
                            ptrdiff_t time_offset);

/// Gives the place back: the map is about to go.
void cadenas_map_fault_forget(int place);
