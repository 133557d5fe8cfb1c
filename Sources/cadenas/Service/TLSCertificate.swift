import VaultServer

// The configuration has a type of this name too, and the module one of its own name, so that no file
// that imports both could say which it means.

/// The certificate that the server shows.
typealias TLSCertificate = ServerCertificate
