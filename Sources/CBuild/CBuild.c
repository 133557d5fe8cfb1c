#include "CBuild.h"

#ifndef CADENAS_COMMIT
#define CADENAS_COMMIT ""
#endif

const char *cadenas_commit(void) { return CADENAS_COMMIT; }
