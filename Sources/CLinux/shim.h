// System calls of Linux for which glibc 2.36 has no function.

#include <errno.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

// The first version of the kernel's `struct sched_attr`.
struct clinux_sched_attr {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
};

// Asks for time slices of so many nanoseconds for the calling thread; what else it is scheduled by
// stays. Returns 0 or an error number. Kernels before 6.12 do nothing.
static inline int clinux_set_time_slice(uint64_t nanoseconds) {
  struct clinux_sched_attr attributes = {
      .size = sizeof attributes,
      .nice = getpriority(PRIO_PROCESS, 0),
      .runtime = nanoseconds,
  };
  return syscall(SYS_sched_setattr, 0, &attributes, 0) == 0 ? 0 : errno;
}
