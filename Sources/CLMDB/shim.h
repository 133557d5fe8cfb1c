#include <lmdb.h>

// <fcntl.h> declares these for programs with _GNU_SOURCE only, which a Swift import is not.
extern int fallocate(int descriptor, int mode, off_t offset, off_t length);
#define CLMDB_FALLOCATE_KEEP_SIZE 1
