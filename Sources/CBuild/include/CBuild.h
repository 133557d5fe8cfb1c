#pragma once

/// The commit that the program was built from, in hexadecimal, with a `+` behind it where files had changed since;
/// empty where the build was not told: see build_release in deploy/prepare.sh.
const char *cadenas_commit(void);
