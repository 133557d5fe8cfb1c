#pragma once

#include <stddef.h>

/// Keeps what the process has in memory from being written out by others: not dumpable, no core
/// files, and the default action for each fatal signal, so that no crash handler prints memory.
/// Ignores SIGPIPE and SIGXFSZ, since a peer that leaves, and a file that may not become longer, are
/// errors of a write and not of the process.
///
/// To be called first thing in main. Returns 0, or the errno of what failed.
///
/// A program that calls this function is linked with this object, and then its `free` and `realloc`
/// clear what they release: see CScrub.c.
int cadenas_harden(void);

/// How many bytes the heap has given out, in all its parts. Walks what is free, under its locks.
size_t cadenas_heap_bytes_in_use(void);

/// Gives every whole page that is free in the heap back to the system.
void cadenas_return_memory(void);
