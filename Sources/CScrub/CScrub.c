// Memory that is released is cleared.
//
// Card numbers pass through buffers that Cadenas cannot type: those of the network stack, of TLS and
// of the Swift runtime. This file replaces `free` and `realloc` of the whole process, shared
// libraries included: glibc documents that an executable may define them, and calls them itself
// through the same names. Everything else (malloc, calloc, aligned_alloc, reallocarray, operator
// delete) is glibc's and libstdc++'s own and ends in these two.
//
// Nothing here may allocate, and nothing may be optimized away: explicit_bzero is a call that the
// compiler has to make.

#define _GNU_SOURCE
#include "CScrub.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

// glibc's own functions under the names that it keeps for replacements.
extern void *__libc_malloc(size_t size);
extern void __libc_free(void *block);

// All of the usable size is cleared, not the size that was asked for: it is what a caller may have
// written to, and the only size that is known. Blocks of any alignment and mapped ones have it too.
static void clear_and_release(void *block, size_t usable_size) {
  explicit_bzero(block, usable_size);
  __libc_free(block);
}

__attribute__((visibility("default"), used)) void free(void *block) {
  if (block == NULL) return;
  clear_and_release(block, malloc_usable_size(block));
}

// glibc's realloc would leave the old copy behind where it moves a block, and the tail where it
// shrinks one. So a block is never moved or shrunk by glibc: it stays where it is, with its tail
// cleared, or is copied, cleared and released here.
__attribute__((visibility("default"), used)) void *realloc(void *block, size_t size) {
  if (block == NULL) return __libc_malloc(size);
  size_t usable_size = malloc_usable_size(block);
  if (size == 0) {
    // As glibc has always done, and as callers written for it expect.
    clear_and_release(block, usable_size);
    return NULL;
  }
  const int fits = size <= usable_size;
  // A block that would waste half of itself is moved too, so that what a large buffer shrinks by
  // can be used again.
  if (!fits || size < usable_size / 2) {
    void *moved = __libc_malloc(size);
    if (moved != NULL) {
      memcpy(moved, block, fits ? size : usable_size);
      clear_and_release(block, usable_size);
      return moved;
    }
    // errno is ENOMEM and the old block is untouched, as the standard wants it.
    if (!fits) return NULL;
  }
  explicit_bzero((char *)block + size, usable_size - size);
  return block;
}

static int set_action(int signal_number, void (*handler)(int)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  return sigaction(signal_number, &action, NULL);
}

int cadenas_harden(void) {
  static const int fatal_signals[] = {SIGSEGV, SIGBUS,  SIGILL,  SIGTRAP,
                                      SIGFPE,  SIGABRT, SIGQUIT, SIGSYS};
  const struct rlimit no_core = {0, 0};
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno;
  if (setrlimit(RLIMIT_CORE, &no_core) != 0) return errno;
  // Swift's runtime installs a backtracer for them before main, and it prints the memory around
  // each register.
  for (size_t index = 0; index < sizeof fatal_signals / sizeof fatal_signals[0]; index++) {
    if (set_action(fatal_signals[index], SIG_DFL) != 0) return errno;
  }
  if (set_action(SIGPIPE, SIG_IGN) != 0) return errno;
  if (set_action(SIGXFSZ, SIG_IGN) != 0) return errno;
  return 0;
}

size_t cadenas_heap_bytes_in_use(void) {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// What is free has been cleared already, so nothing of a card is in what the system gets.
void cadenas_return_memory(void) { malloc_trim(0); }
