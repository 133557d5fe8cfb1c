#pragma once
/// Makes the process not dumpable, without core files, and with the default action for each fatal
/// signal, so that no crash handler prints its memory. Returns 0, or the errno of what failed.
int cadenas_harden(void);
