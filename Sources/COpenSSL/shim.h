#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// Expressions of macros, which Swift does not import.

/// How X509_NAME_print_ex writes a name on one line of ASCII: RFC 2253, controls and the rest escaped.
static inline unsigned long cadenas_name_flags(void) { return XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ; }

/// Frees what libcrypto has allocated.
static inline void cadenas_free(void *pointer) { OPENSSL_free(pointer); }
