#include "CScrub.h"
int cadenas_harden(void) { return 0; }
