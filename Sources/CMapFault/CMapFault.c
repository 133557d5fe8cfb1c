// What is said when a file is cut off while it is mapped.
//
// Whoever touches a page beyond the end of a mapped file gets a SIGBUS, and so where the disk cannot
// give the page. Nothing can go on then, but an operator has to hear which file it was. The handler
// does nothing that may not be done in one: the line is ready, and it calls poll, write and _exit.

#define _GNU_SOURCE
#include "CMapFault.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// Each file of a store that is open, one more while it is compacted, and copies.
enum { PLACES = 16, LONGEST_LINE = 2048, EXIT_STATUS = 3, LONGEST_WAIT_MILLISECONDS = 1000 };

struct place {
  // 0 while it is free; written last.
  _Atomic(uintptr_t) start;
  size_t bytes;
  size_t count;
  ptrdiff_t time_offset;
  char line[LONGEST_LINE];
};

static struct place places[PLACES];
static atomic_int is_telling;

static void put_digits(char *to, int digits, int64_t number) {
  while (digits-- > 0) {
    to[digits] = (char)('0' + number % 10);
    number /= 10;
  }
}

// Gregorian from days since 1970: years begin in March, so that the leap day is the last.
// Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
static void put_time(char *to) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0 || now.tv_sec < 0) return;
  const int64_t days = now.tv_sec / 86400 + 719468, second = now.tv_sec % 86400;
  const int64_t era = days / 146097, day_of_era = days % 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t from_march = (5 * day_of_year + 2) / 153;
  const int64_t month = from_march < 10 ? from_march + 3 : from_march - 9;
  put_digits(to, 4, year_of_era + era * 400 + (month <= 2));
  put_digits(to + 5, 2, month);
  put_digits(to + 8, 2, day_of_year - (153 * from_march + 2) / 5 + 1);
  put_digits(to + 11, 2, second / 3600);
  put_digits(to + 14, 2, second / 60 % 60);
  put_digits(to + 17, 2, second % 60);
}

static _Noreturn void tell(struct place *place) {
  // Another thread may meet the same page meanwhile.
  while (atomic_exchange(&is_telling, 1) != 0) pause();
  if (place->time_offset >= 0) put_time(place->line + place->time_offset);
  struct pollfd output = {STDERR_FILENO, POLLOUT, 0};
  // Nobody may read it any more.
  if (poll(&output, 1, LONGEST_WAIT_MILLISECONDS) > 0) {
    const ssize_t written = write(STDERR_FILENO, place->line, place->count);
    (void)written;
  }
  _exit(EXIT_STATUS);
}

static void handle(int number, siginfo_t *information, void *context) {
  (void)context;
  const uintptr_t address = (uintptr_t)information->si_addr;
  // Not one that another process has sent.
  for (int index = 0; information->si_code > 0 && index < PLACES; index++) {
    const uintptr_t start = atomic_load_explicit(&places[index].start, memory_order_acquire);
    if (start != 0 && address >= start && address - start < places[index].bytes)
      tell(&places[index]);
  }
  // It is blocked until this returns, and ends the process then.
  signal(number, SIG_DFL);
  raise(number);
}

void cadenas_map_faults_begin(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, NULL);
}

int cadenas_map_fault_watch(const void *start, size_t bytes, const char *line, size_t count,
                            ptrdiff_t time_offset) {
  if (count > LONGEST_LINE) return -1;
  for (int index = 0; index < PLACES; index++) {
    struct place *place = &places[index];
    if (atomic_load_explicit(&place->start, memory_order_acquire) != 0) continue;
    memcpy(place->line, line, count);
    place->count = count;
    place->bytes = bytes;
    place->time_offset = time_offset;
    atomic_store_explicit(&place->start, (uintptr_t)start, memory_order_release);
    return index;
  }
  return -1;
}

void cadenas_map_fault_forget(int place) {
  atomic_store_explicit(&places[place].start, 0, memory_order_release);
}
